import { expect, it } from "vitest";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import { systemClock } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import { SILENT } from "./levels.ts";
import type { CallEvents, LocalMedia } from "./states.ts";
import { type CallFacts, CallView } from "./view.ts";

const [ADA, BOB] = ["ada" as PeerId, "bob" as PeerId];
const LOCAL: LocalMedia = {
  microphone: { type: "off" },
  camera: { type: "off" },
  video: null,
  isMuted: false,
  isMutedByModerator: false,
  level: 0,
  isSpeaking: false,
  isSpeakingWhileMuted: false,
};

type Peers = CallFacts["peers"] extends ReadonlyMap<PeerId, infer Shown> ? Map<PeerId, Shown> : never;

function peer(state: "connecting" | "connected" | "reconnecting-media") {
  return { state, stream: {} as MediaStream, voice: SILENT, quality: null };
}

function world() {
  const peers: Peers = new Map();
  const members = new Map<PeerId, Participant>();
  const told: string[] = [];
  let facts: CallFacts = { membership: { type: "out" }, isOnline: false, peers, members, local: LOCAL };
  const call = new Emitter<CallEvents>(systemClock);
  call.on("peers", (all) => told.push(`peers ${all.map(({ peer: id, state }) => `${id} ${state}`)}`));
  call.on("local", ({ isMuted }) => told.push(`local ${isMuted ? "muted" : "heard"}`));
  call.on("state", ({ type }) => told.push(`state ${type}`));
  const view = new CallView(call, () => facts);
  const set = (changed: Partial<CallFacts>) => {
    facts = { ...facts, ...changed };
    view.update();
  };
  return { call, view, peers, members, told, set };
}

it("the view tells what changed and nothing else, peers before the state, and keeps what is the same", () => {
  const { view, peers, told, set } = world();
  set({});
  expect(told).toEqual([]);
  peers.set(BOB, peer("connected"));
  peers.set(ADA, peer("connected"));
  set({ membership: { type: "in" }, isOnline: true });
  expect(told.splice(0)).toEqual(["peers ada connected,bob connected", "state joined"]);
  const before = view.peers;
  set({});
  expect(view.peers).toBe(before);
  peers.set(BOB, { ...peer("reconnecting-media"), stream: before[1]?.stream ?? ({} as MediaStream) });
  set({});
  expect(told.splice(0)).toEqual(["peers ada connected,bob reconnecting-media", "state reconnecting-media"]);
  expect(view.state).toEqual({ type: "reconnecting-media", peers: [BOB] });
  expect([view.peers[0] === before[0], view.peers[1] === before[1]]).toEqual([true, false]);
  set({ isOnline: false });
  expect(told.splice(0)).toEqual(["state reconnecting-signaling"]);
});

it("a handler that changes something is told the newest value last", () => {
  const { call, peers, told, set } = world();
  call.on("peers", () => set({ local: { ...LOCAL, isMuted: true }, membership: { type: "out" } }));
  peers.set(ADA, peer("connecting"));
  set({ membership: { type: "in" }, isOnline: true });
  expect(told).toEqual(["peers ada connecting", "local muted"]);
});

it("a peer that is connected and away from the room is reconnecting to it", () => {
  const { peers, members, told, set } = world();
  peers.set(ADA, peer("connected"));
  members.set(ADA, {
    peer: ADA,
    protocol: "roomful.v1",
    capabilities: [],
    connectedAt: 1,
    call: { state: "reconnecting", media: { audio: true, video: false, muted: false } },
  });
  set({});
  expect(told).toEqual(["peers ada reconnecting-signaling"]);
});
