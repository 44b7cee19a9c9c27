import { expect, it } from "vitest";
import { canRetry, type Facts, statusHint, statusOf, statusText } from "./status.ts";

const facts: Facts = {
  saved: { state: "saved", unsaved: 0 },
  isConnected: true,
  wasConnected: true,
  isBrief: true,
  isKept: true,
  readOnly: null,
  isFull: false,
  turnedAway: null,
  ending: null,
};
const apart = { ...facts, isConnected: false, saved: { state: "offline", unsaved: 3 } } as const;

it.each<[string, Partial<Facts>]>([
  ["Saved", {}],
  ["Saving…", { saved: { state: "saving", unsaved: 1 } }],
  ["Saving…", { saved: { state: "rejected", unsaved: 1, code: "invalid-update" } }],
  ["Read-only", { readOnly: "no-right" }],
  ["Room full", { isFull: true }],
  ["Removed", { ending: { code: "kicked", reason: "kicked: a moderator closed this connection" } }],
  ["Closed by the room", { ending: { code: undefined, reason: "brand-new: something" } }],
])("connected: %s", (text, known) => {
  expect(statusText(statusOf({ ...facts, ...known }))).toBe(text);
});

it.each<[string, Partial<Facts>]>([
  ["Reconnecting…", {}],
  ["Connecting…", { wasConnected: false, saved: { state: "offline", unsaved: 0 } }],
  ["Reconnecting…", { wasConnected: false }],
  ["Offline: 3 changes kept on this device", { isBrief: false }],
  ["Offline: 1 change kept on this device", { isBrief: false, saved: { state: "offline", unsaved: 1 } }],
  ["Offline: 3 changes only in this tab", { isBrief: false, isKept: false }],
  ["Offline", { isBrief: false, saved: { state: "offline", unsaved: 0 } }],
  ["Too many people", { turnedAway: "room-full", isBrief: false }],
  ["Too much at once", { turnedAway: "rate-limited" }],
  ["Offline: 3 changes kept on this device", { isBrief: false, readOnly: "no-right", isFull: true }],
  ["Removed", { ending: { code: "kicked", reason: "kicked: a moderator closed this connection" } }],
  ["Closed by the room", { ending: { code: undefined, reason: "brand-new: something" } }],
])("not connected: %s", (text, known) => {
  expect(statusText(statusOf({ ...apart, ...known }))).toBe(text);
});

it("whatever the light says has an explanation, and one that does not promise too much", () => {
  const offline = statusOf({ ...apart, isBrief: false, isKept: false });
  expect(statusHint(offline)).toContain("leave this page open");
  for (const readOnly of ["no-right", "room-damaged", "newer-board"] as const) {
    expect(statusHint(statusOf({ ...facts, readOnly })).length).toBeGreaterThan(20);
  }
});

it.each([
  ["kicked", "Removed", true],
  ["banned", "Shut out", false],
  ["room-locked", "Board locked", true],
  ["room-deleted", "Board deleted", false],
  ["token-expired", "Link expired", false],
  ["token-invalid", "Link not valid", false],
  ["unauthorized", "Link needed", false],
  ["room-not-allowed", "Link for another board", false],
] as const)("a room that ends with %s says: %s; again: %s", (code, title, again) => {
  const status = statusOf({ ...apart, ending: { code, reason: `${code}: words for a log` } });
  expect([statusText(status), canRetry(status)]).toEqual([title, again]);
  expect(statusHint(status)).not.toContain("words for a log");
});

it("an ending that this page has no words for is told in the room's", () => {
  const status = statusOf({ ...apart, ending: { code: undefined, reason: "brand-new: something happened" } });
  expect([statusHint(status), canRetry(status)]).toEqual(["brand-new: something happened", true]);
});

it.each(["room-full", "rate-limited", "too-many-connections"] as const)(
  "%s is waited for, not tried by hand",
  (code) => {
    const status = statusOf({ ...apart, turnedAway: code });
    expect(statusHint(status).length).toBeGreaterThan(20);
    expect([status.type, canRetry(status)]).toEqual(["turned-away", false]);
  },
);
