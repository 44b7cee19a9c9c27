/** The page's own address: a board's room is the path, a token is in the fragment, which no request carries. */
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { parseRoomName } from "../../client/index.ts";
import type { RoomAddress } from "./session.ts";

const WORDS = 3;

/** A name that can be read out. One of eight billion, so that nobody meets strangers by chance. */
export function newRoomName(): string {
  const numbers = crypto.getRandomValues(new Uint32Array(WORDS));
  return [...numbers].map((number) => wordlist[number % wordlist.length]).join("-");
}

/**
 * Reads where the page is; `/` becomes a new room at once.
 * @throws RoomfulError `bad-room-name`
 */
export function readAddress(location: Location): RoomAddress {
  const path = location.pathname.replace(/^\/|\/$/g, "");
  const room = parseRoomName(path === "" ? newRoomName() : decodeURIComponent(path));
  if (path === "") window.history.replaceState(null, "", pathOf(room) + location.hash);
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  return { serverUrl: `${location.origin}/rooms`, room, ...(token !== null && token !== "" && { token }) };
}

/** To give to others: without the token. */
export function linkTo(location: Location, room: string): string {
  return location.origin + pathOf(room);
}

function pathOf(room: string): string {
  return `/${room.split("/").map(encodeURIComponent).join("/")}`;
}
