import { expect, it } from "vitest";
import { codeOf } from "../test/support/code-of.ts";
import { closeArguments, ERRORS, type ErrorCode, errorCodeOf, isFinalClose, RoomfulError } from "./errors.ts";
import { CLOSE_REASON_BYTES } from "./limits.ts";
import { PING, PONG, parseMessageFromRoom } from "./messages.ts";
import { parseMessageToRoom } from "./messages-to-room.ts";
import { decodeRoomName, parseRoomName } from "./rooms.ts";

it("[TEXT-1] each message reads as what it is, unknown fields left out", () => {
  expect(parseMessageToRoom(PING)).toEqual({ type: "ping" });
  expect(parseMessageFromRoom(PONG)).toEqual({ type: "pong" });
  expect(parseMessageFromRoom('{"type":"saved","frame":3,"later":true}')).toEqual({ type: "saved", frame: 3 });
  expect(parseMessageFromRoom('{"type":"rejected","frame":3,"code":"invalid-update","message":"m"}')).toMatchObject({
    code: "invalid-update",
  });
});

it("[TEXT-1] what only a newer room knows costs nothing else of the message", () => {
  const rejected = { type: "rejected", frame: 3, code: "of-a-newer-room", message: "why" };
  expect(parseMessageFromRoom(JSON.stringify(rejected))).toEqual({ ...rejected, code: "internal" });
  const limits = { frameBytes: 1, presenceBytes: 1 };
  const welcome = { type: "welcome", room: "room", peer: "peer", renewPresence: false, limits };
  expect(parseMessageFromRoom(JSON.stringify({ ...welcome, capabilities: ["read", "annotate", "write"] }))).toEqual({
    ...welcome,
    capabilities: ["read", "write"],
  });
});

it("[TEXT-2] anything else is malformed", () => {
  const wrong = [
    "",
    "{",
    "null",
    "[]",
    "1",
    "{}",
    '{"type":1}',
    '{"type":"saved"}',
    '{"type":"toString"}',
    `"${"x".repeat(70_000)}"`,
  ];
  for (const text of wrong)
    expect([text.slice(0, 20), codeOf(() => parseMessageToRoom(text))]).toEqual([
      text.slice(0, 20),
      "malformed-message",
    ]);
  for (const text of [
    '{"type":"saved","frame":0}',
    '{"type":"saved","frame":1.5}',
    '{"type":"error","code":1,"message":""}',
  ]) {
    expect(codeOf(() => parseMessageFromRoom(text))).toBe("malformed-message");
  }
});

it("[CLOSE-1] every code has a close code that says whether to come back, and a reason that fits a close frame", () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const [close, reason] = closeArguments(code);
    expect(close).toBeGreaterThanOrEqual(4400);
    expect(close).toBeLessThan(4600);
    const { http } = ERRORS[code];
    // The two of the client's errors that HTTP says to try again.
    expect(isFinalClose(close)).toBe(http < 500 && http !== 408 && http !== 429);
    expect(reason).toMatch(/^[\x20-\x7e]+$/);
    expect(reason.length).toBeLessThanOrEqual(CLOSE_REASON_BYTES);
    expect(errorCodeOf(new RoomfulError(code, "detail"))).toBe(code);
    expect(errorCodeOf(new Error(new RoomfulError(code).message))).toBe(code);
  }
  expect(errorCodeOf(new Error("constructor: x"))).toBeUndefined();
  expect(errorCodeOf("bad-room-name")).toBeUndefined();
});

it("[NAME-1] a room name is decoded exactly once", () => {
  expect(decodeRoomName("a%2Fb/c d")).toBe("a/b/c d");
  expect(decodeRoomName("a%252Fb")).toBe("a%2Fb");
  expect(parseRoomName("%")).toBe("%");
});

it("[NAME-2] names out of bounds are refused, those at the bounds are not", () => {
  const euro = "€"; // three bytes
  for (const good of ["a", "x".repeat(200), euro.repeat(66), "a/b/c", "...", "a b", "😀"])
    expect(parseRoomName(good)).toBe(good);
  for (const bad of [
    "",
    "x".repeat(201),
    euro.repeat(67),
    "/a",
    "a/",
    "a//b",
    ".",
    "a/..",
    "a\u0000",
    "a\n",
    "\u0085",
    "\ud800",
  ]) {
    expect([bad, codeOf(() => parseRoomName(bad))]).toEqual([bad, "bad-room-name"]);
  }
  for (const bad of ["%", "%f", "%ff", "%ed%a0%80"]) expect(codeOf(() => decodeRoomName(bad))).toBe("bad-room-name");
});
