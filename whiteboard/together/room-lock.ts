/** Whether nobody new gets in. The room tells nobody of it unasked, so that it is asked by HTTP (`docs/http.md`). */
import * as v from "valibot";
import { errorCodeOf, RoomfulError } from "../../client/index.ts";
import type { RoomAddress } from "./session.ts";

const SETTINGS = v.object({ locked: v.boolean() });
const REFUSAL = v.object({ error: v.object({ code: v.string() }) });

/** Needs the right to moderate. @throws RoomfulError the room's refusal; `not-connected` */
export function isRoomLocked(address: RoomAddress): Promise<boolean> {
  return ask(address, { method: "GET" });
}

/** Needs the right to moderate. @returns whether it is locked now @throws RoomfulError the room's refusal; `not-connected` */
export function lockRoom(address: RoomAddress, locked: boolean): Promise<boolean> {
  return ask(address, { method: "PUT", body: JSON.stringify({ locked }) });
}

async function ask({ serverUrl, room, token }: RoomAddress, request: RequestInit): Promise<boolean> {
  const url = `${serverUrl.replace(/\/rooms$/, "")}/api/rooms/${encodeURIComponent(room)}/settings`;
  const headers = {
    "content-type": "application/json",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const response = await fetch(url, { ...request, headers }).catch((cause: unknown) => {
    throw new RoomfulError("not-connected", undefined, { cause });
  });
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok && v.is(SETTINGS, answer)) return answer.locked;
  const code = v.is(REFUSAL, answer) ? errorCodeOf(new Error(answer.error.code)) : undefined;
  throw new RoomfulError(code ?? "internal");
}
