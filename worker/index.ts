import { env } from "cloudflare:workers";
import { RoomfulError } from "../shared/errors.ts";
import { createApp } from "./edge/app.ts";
import { createLog } from "./runtime/logging.ts";
import { readSettings, type Settings } from "./settings/settings.ts";

export type { Bindings } from "./edge/app.ts";
export { type GrantedRoomStub, getRoom, type RoomStub } from "./room/namespace.ts";
export { Room } from "./room/room.ts";

/** Read once, when the Worker starts: a setting out of its range is told in the log at once, and to every caller. */
function settingsOrWhyNot(): Settings | RoomfulError {
  try {
    return readSettings(env);
  } catch (caught) {
    if (!(caught instanceof RoomfulError)) throw caught;
    createLog("error")("error", "misconfigured", { code: "misconfigured", detail: caught.message });
    return caught;
  }
}

export default createApp(settingsOrWhyNot());
