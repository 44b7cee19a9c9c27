import { expect, it } from "vitest";
import { parseRoomName } from "../../shared/rooms.ts";
import { readableRoomName, unguessableRoomName } from "./room-names.ts";

const many = (make: () => string) => Array.from({ length: 20_000 }, make);

it("a readable room name is three words of 64 each, all of them in use", () => {
  const names = many(readableRoomName);
  for (const name of names) expect(parseRoomName(name)).toMatch(/^[a-z]+-[a-z]+-[a-z]+$/);
  for (const place of [0, 1, 2]) expect(new Set(names.map((name) => name.split("-")[place])).size).toBe(64);
  expect(new Set(names).size).toBeGreaterThan(19_000);
});

it("an unguessable room name has 22 characters of 64 each, every one at every place, and needs no escape", () => {
  const names = many(unguessableRoomName);
  for (const name of names) expect(parseRoomName(name)).toMatch(/^[\w-]{22}$/);
  for (let place = 0; place < 22; place++) expect(new Set(names.map((name) => name[place])).size).toBe(64);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => encodeURIComponent(name) !== name)).toEqual([]);
});
