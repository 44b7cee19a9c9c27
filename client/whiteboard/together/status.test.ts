import { expect, it } from "vitest";
import { type Facts, statusHint, statusOf, statusText } from "./status.ts";

const facts: Facts = {
  saved: { state: "saved", unsaved: 0 },
  isConnected: true,
  wasConnected: true,
  isBrief: true,
  isKept: true,
  readOnly: null,
  isFull: false,
  ending: null,
};
const apart = { ...facts, isConnected: false, saved: { state: "offline", unsaved: 3 } } as const;

it.each<[string, Partial<Facts>]>([
  ["Saved", {}],
  ["Saving…", { saved: { state: "saving", unsaved: 1 } }],
  ["Saving…", { saved: { state: "rejected", unsaved: 1, code: "invalid-update" } }],
  ["Read-only", { readOnly: "no-right" }],
  ["Room full", { isFull: true }],
  ["Ended: no token", { ending: "no token" }],
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
  ["Offline: 3 changes kept on this device", { isBrief: false, readOnly: "no-right", isFull: true }],
  ["Ended: no token", { ending: "no token" }],
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
