import { absence } from "./absence.ts";
import { burst } from "./burst.ts";
import { cursorsFixedRate, manyRooms, updatesFixedRate } from "./fixed-rate.ts";
import { hours } from "./hours.ts";
import { idle } from "./idle.ts";
import { joins } from "./joins.ts";
import { openLoopSteps } from "./open-loop.ts";
import { cursorsSaturation, updatesSaturation } from "./saturation.ts";
import type { Scenario } from "./scenario.ts";
import { storage } from "./storage.ts";
import { wake } from "./wake.ts";

/** In the order in which they are run. */
export const SCENARIOS: readonly Scenario[] = [
  updatesSaturation,
  cursorsSaturation,
  joins,
  burst,
  updatesFixedRate,
  cursorsFixedRate,
  manyRooms,
  openLoopSteps,
  absence,
  storage,
  hours,
  idle,
  wake,
];
