import { burst } from "./burst.ts";
import { joins } from "./joins.ts";
import { cursorsSaturation, updatesSaturation } from "./saturation.ts";
import type { Scenario } from "./scenario.ts";

/** In the order in which they are run. */
export const SCENARIOS: readonly Scenario[] = [updatesSaturation, cursorsSaturation, joins, burst];
