import { expect, it } from "vitest";
import { PARTICIPANT_CHARACTERS, SUBJECT_CHARACTERS } from "../../shared/limits.ts";
import { CAPABILITIES, type Participant, type PeerId } from "../../shared/rooms.ts";
import { readSettings } from "../settings/settings.ts";
import { newcomerBytes, unreadBound } from "./unread-bound.ts";

it("[LIMIT-11] the largest participant has as many characters as the bound counts for one", () => {
  const words = "\u{1}".repeat(SUBJECT_CHARACTERS);
  const largest: Participant = {
    peer: crypto.randomUUID() as PeerId,
    protocol: "roomful.v1",
    capabilities: CAPABILITIES,
    subject: words,
    name: words,
    isMuted: true,
    call: { media: { audio: false, video: false, muted: false }, state: "reconnecting" },
    clientId: Number.MAX_SAFE_INTEGER,
    connectedAt: Number.MAX_SAFE_INTEGER,
  };
  expect(JSON.stringify(largest).length).toBeLessThanOrEqual(PARTICIPANT_CHARACTERS);
});

it.each([
  ["as it comes", {}],
  ["with few bytes unread", { MAX_UNREAD_BYTES: "1048576", MAX_DOCUMENT_BYTES: "1048576" }],
  ["with 10,000 participants", { MAX_PARTICIPANTS: "10000" }],
  ["with the largest documents", { MAX_DOCUMENT_BYTES: "25165824" }],
])("[LIMIT-11] a deployment %s never breaks a newcomer's bound by what it sends by itself", (_, env) => {
  const settings = readSettings(env);
  expect(unreadBound(settings)).toBeGreaterThanOrEqual(newcomerBytes(settings));
  expect(unreadBound(settings)).toBeGreaterThanOrEqual(settings.MAX_UNREAD_BYTES);
});

it("[LIMIT-11] the bound is the setting, as long as what a newcomer is sent is less", () => {
  const settings = readSettings({});
  expect(unreadBound(settings)).toBe(settings.MAX_UNREAD_BYTES);
});
