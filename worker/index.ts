import { env } from "cloudflare:workers";
import { RoomfulError } from "../shared/errors.ts";
import { createApp } from "./edge/app.ts";
import { createLog } from "./runtime/logging.ts";
import { readSettings, type Settings } from "./settings/settings.ts";

export type { Bindings } from "./edge/context.ts";
export { type GrantedRoomStub, getRoom, type RoomStub } from "./room/namespace.ts";
export { Room } from "./room/room.ts";

/** Reads the settings once, when the Worker starts. A fault is logged at once, and every request is answered with it. */
function settingsOrFault(): Settings | RoomfulError {
  try {
    return readSettings(env);
  } catch (caught) {
    if (!(caught instanceof RoomfulError)) throw caught;
    createLog("error")("error", "misconfigured", { code: "misconfigured", detail: caught.message });
    return caught;
  }
}

export default createApp(settingsOrFault());
