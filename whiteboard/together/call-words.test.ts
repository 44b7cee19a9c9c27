import { expect, it } from "vitest";
import type { CallPeer, CallState, DeviceState, LocalMedia, PeerId } from "../../client/index.ts";
import { callNote, isPoor, peerWords } from "./call-words.ts";

const local: LocalMedia = {
  microphone: { type: "on", deviceId: "", label: "" },
  camera: { type: "off" },
  video: null,
  isMuted: false,
  isMutedByModerator: false,
  level: 0,
  isSpeaking: false,
  isSpeakingWhileMuted: false,
};
const joined: CallState = { type: "joined" };
const quality = { loss: 0, rttMs: 12, relayed: false };
const peer: CallPeer = {
  peer: "p" as PeerId,
  state: "connected",
  stream: {} as MediaStream,
  hasAudio: true,
  hasVideo: false,
  isMuted: false,
  isMutedByModerator: false,
  level: 0,
  isSpeaking: false,
  quality,
};

it("a call in which all is well says nothing, and none says nothing", () => {
  expect([callNote(joined, local, "playing"), callNote({ type: "idle" }, local, "playing")]).toEqual([null, null]);
});

it("a browser that waits for a click comes before all else, since nothing is heard", () => {
  const denied: LocalMedia = { ...local, microphone: { type: "denied" } };
  expect(callNote(joined, denied, "blocked")?.remedy).toBe("hear");
});

it.each<[DeviceState["type"], string]>([
  ["denied", "blocked: you only listen"],
  ["missing", "no microphone: you only listen"],
  ["failed", "you only listen"],
])("a microphone that is %s is told, and can be chosen again", (type, words) => {
  const microphone = (type === "failed" ? { type, cause: null } : { type }) as DeviceState;
  const note = callNote(joined, { ...local, microphone }, "playing");
  expect(note?.text).toContain(words);
  expect(note?.remedy).toBe("choose-microphone");
});

it("who speaks while muted is told, and by whom", () => {
  expect(callNote(joined, { ...local, isSpeakingWhileMuted: true }, "playing")?.text).toBe("You are muted.");
  const silenced = { ...local, isSpeakingWhileMuted: true, isMutedByModerator: true };
  expect(callNote(joined, silenced, "playing")?.text).toBe("A moderator muted you.");
});

it("a call that the room refuses says why, and can be joined again", () => {
  const refused: CallState = { type: "refused", code: "call-full", message: "call-full: words for a log" };
  expect(callNote(refused, local, "playing")).toEqual({
    text: "The call is over for you. As many people are in the call as it takes.",
    remedy: "join-again",
  });
});

it("somebody in the call is told in words: silence, speech, connection", () => {
  expect(peerWords(peer)).toBe("good connection (12 ms)");
  expect(peerWords({ ...peer, isSpeaking: true, quality: null })).toBe("speaking");
  expect(peerWords({ ...peer, isMuted: true, isSpeaking: true, quality: null })).toBe("muted");
  expect(peerWords({ ...peer, hasAudio: false, quality: null })).toBe("listening only");
  expect(peerWords({ ...peer, state: "reconnecting-media" })).toBe("connection interrupted");
  expect(peerWords({ ...peer, quality: { loss: 0.2, rttMs: 80, relayed: true } })).toBe(
    "poor connection (80 ms, 20 % lost, relayed)",
  );
  expect([isPoor(quality), isPoor({ ...quality, rttMs: 900 }), isPoor({ ...quality, rttMs: null })]).toEqual([
    false,
    true,
    false,
  ]);
});
