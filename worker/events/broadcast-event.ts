import { RoomfulError } from "../../shared/errors.ts";
import { encodeMessage } from "../../shared/messages.ts";
import type { Json, PeerId } from "../../shared/rooms.ts";
import type { Session } from "../sessions/session.ts";

/**
 * Sends something to everybody who may read, but not back to who published it, or to one of them. Nothing is kept.
 * @param from who published it; without it, a backend did
 * @returns to how many it was sent
 * @throws RoomfulError `unknown-peer`
 */
export function broadcastEvent(
  sessions: Iterable<Session>,
  data: Json,
  { from, to }: { readonly from?: Session; readonly to?: PeerId | undefined } = {},
): number {
  const event = encodeMessage({ type: "event", ...(from && { from: from.state.peer }), data });
  const receivers = [...sessions].filter((session) => session.may("read") && !session.isStock);
  if (to === undefined) {
    for (const session of receivers) if (session !== from) session.tell(event);
    return receivers.length;
  }
  const receiver = receivers.find(({ state }) => state.peer === to);
  if (receiver === undefined) throw new RoomfulError("unknown-peer");
  receiver.tell(event);
  return 1;
}
