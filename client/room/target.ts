import { RoomfulError } from "../../shared/errors.ts";
import { parseRoomName, type RoomName } from "../../shared/rooms.ts";

/** The server and the room that a connection leads to, checked. */
export interface Target {
  /** Without a slash at its end. */
  readonly serverUrl: string;
  readonly room: RoomName;
}

/** @throws RoomfulError `bad-room-name`; `invalid-argument` when the server URL is none of a WebSocket */
export function checkTarget(serverUrl: string, room: string): Target {
  if (!URL.canParse(serverUrl) || !/^(?:ws|http)s?:$/.test(new URL(serverUrl).protocol)) {
    throw new RoomfulError("invalid-argument", "serverUrl is ws://host/rooms or wss://host/rooms");
  }
  return { serverUrl: serverUrl.replace(/\/+$/, ""), room: parseRoomName(room) };
}

/** The URL of a room. Each segment of the name is escaped, so that a URL parser leaves it as it is. */
export function roomUrl({ serverUrl, room }: Target, params: Readonly<Record<string, string>>): string {
  const path = room.split("/").map(encodeURIComponent).join("/");
  const query = new URLSearchParams(params).toString();
  return `${serverUrl}/${path}${query === "" ? "" : `?${query}`}`;
}
