import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Media } from "../../shared/calls.ts";
import type { CallRequest } from "../../shared/messages-to-room.ts";
import type { PeerId } from "../../shared/rooms.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { until } from "../../test/support/until.ts";
import { Call } from "./call.ts";
import { CallLine, type CallMessage } from "./line.ts";

const [ME, BOB] = ["me" as PeerId, "bob" as PeerId];
const SILENT: Media = { audio: false, video: false, muted: false };

class FakeStream {
  getTracks(): never[] {
    return [];
  }
  getAudioTracks(): never[] {
    return [];
  }
  getVideoTracks(): never[] {
    return [];
  }
}

beforeEach(() => void vi.stubGlobal("MediaStream", FakeStream));
afterEach(() => void vi.unstubAllGlobals());

/** A call on a line whose room is the test. */
function world() {
  const clock = new FakeClock();
  const sent: CallRequest[] = [];
  const connections: FakeConnection[] = [];
  const microphone = { kind: "audio", label: "", enabled: true, isStopped: false };
  /** An RTCPeerConnection whose offer is never made. */
  class FakeConnection {
    isClosed = false;
    listens = 0;
    constructor() {
      connections.push(this);
    }
    addTrack(): void {}
    addTransceiver(): void {}
    setConfiguration(): void {}
    setLocalDescription(): Promise<void> {
      return new Promise(() => {});
    }
    getReceivers(): never[] {
      this.listens++;
      return [];
    }
    close(): void {
      this.isClosed = true;
    }
  }
  const track = Object.assign(microphone, {
    getSettings: () => ({}),
    stop: () => {
      microphone.isStopped = true;
    },
  });
  const line = new CallLine((message) => sent.push(message));
  const call = new Call(line, {
    clock,
    RTCPeerConnection: FakeConnection as unknown as typeof RTCPeerConnection,
    getUserMedia: async () => ({ getTracks: () => [track] }) as unknown as MediaStream,
  });
  const states: string[] = [];
  call.on("state", ({ type }) => states.push(type));
  const joined = (answer: Partial<Extract<CallMessage, { type: "call-joined" }>> = {}) =>
    line.applyMessage({ type: "call-joined", members: [], maxMembers: 8, iceServers: [], ...answer });
  const askedTimes = (times: number) =>
    until(() => sent.filter(({ type }) => type === "call-join").length === times, `${times} × call-join`);
  /** Asks the room for a place. @returns what becomes of the join, a failure by its name */
  const ask = async (audio = false): Promise<string[]> => {
    const outcome: string[] = [];
    const settle = (how: string) => () => outcome.push(how);
    void call.join({ audio }).then(settle("joined"), ({ name }: Error) => outcome.push(name));
    await askedTimes(1);
    return outcome;
  };
  line.applyWelcome(ME);
  return { clock, sent, connections, microphone, line, call, states, joined, ask, askedTimes };
}

const types = (sent: readonly CallRequest[]) => sent.map(({ type }) => type);

it("a join asks for the device, then the room, and is measured ten times a second from then on", async () => {
  const { clock, sent, connections, call, states, joined, ask } = world();
  const outcome = await ask(true);
  expect(sent).toEqual([{ type: "call-join", media: { ...SILENT, audio: true } }]);
  expect([clock.pending, states]).toEqual([0, ["joining"]]);
  joined();
  expect([clock.pending, states]).toEqual([1, ["joining", "joined"]]);
  joined({ members: [BOB] });
  const before = connections[0]?.listens ?? 0;
  clock.advance(1_000);
  expect([(connections[0]?.listens ?? 0) - before, call.peers.length]).toEqual([10, 1]);
  await until(() => outcome.length > 0, "the join settles");
  expect(outcome).toEqual(["joined"]);
});

it("leaving stops the measurements, lets go of the device and closes the connections", async () => {
  const { clock, sent, connections, microphone, call, states, joined, ask } = world();
  await ask(true);
  joined({ members: [BOB] });
  expect(clock.pending).toBeGreaterThan(0);
  call.leave();
  expect([clock.pending, microphone.isStopped, connections.map(({ isClosed }) => isClosed)]).toEqual([0, true, [true]]);
  expect([types(sent), call.peers, states.at(-1)]).toEqual([["call-join", "call-leave"], [], "idle"]);
});

it("a call that is destroyed, or refused, leaves no timer behind", async () => {
  const destroyed = world();
  await destroyed.ask();
  destroyed.joined();
  destroyed.call.destroy();
  expect(destroyed.clock.pending).toBe(0);
  const refused = world();
  const outcome = await refused.ask();
  refused.line.applyRefusal({ type: "error", code: "call-full", message: "full", about: "call-join" });
  await until(() => outcome.length > 0, "the join settles");
  expect([refused.clock.pending, refused.call.state, outcome]).toEqual([
    0,
    { type: "refused", code: "call-full", message: "full" },
    ["RoomfulError"],
  ]);
});

it("a client that is back is measured once, and says its media again", async () => {
  const { clock, sent, line, states, joined, ask, askedTimes } = world();
  await ask();
  joined();
  line.socketClosed();
  line.applyWelcome(ME);
  await askedTimes(2);
  joined();
  expect(types(sent)).toEqual(["call-join", "call-join", "media-state"]);
  expect([clock.pending, states]).toEqual([1, ["joining", "joined", "reconnecting-signaling", "joined"]]);
});

describe("a handler that leaves", () => {
  it.each(["state", "peers", "connection", "problem"] as const)(
    "at the event %s of the room's answer ends the call for good, and the join with an AbortError",
    async (event) => {
      const { clock, sent, connections, call, joined, ask } = world();
      const outcome = await ask();
      call.on(event, () => call.leave());
      joined({ members: [BOB], warning: "turn-unavailable" });
      await until(() => outcome.length > 0, "the join settles");
      expect([outcome, call.state, call.peers, clock.pending]).toEqual([["AbortError"], { type: "idle" }, [], 0]);
      // A device that stops within the mesh's step is still told to the room, which ignores it.
      const asked = types(sent).filter((type) => type !== "media-state");
      expect([connections.every(({ isClosed }) => isClosed), asked]).toEqual([true, ["call-join", "call-leave"]]);
    },
  );

  it("when the client is back in the call ends it for good", async () => {
    const { clock, call, line, joined, ask, askedTimes } = world();
    await ask();
    joined();
    line.socketClosed();
    line.applyWelcome(ME);
    await askedTimes(2);
    call.on("state", ({ type }) => {
      if (type === "joined") call.leave();
    });
    joined();
    expect([call.state, clock.pending]).toEqual([{ type: "idle" }, 0]);
    call.destroy();
    expect(clock.pending).toBe(0);
  });

  it("and joins again waits for an answer of its own", async () => {
    const { clock, call, joined, ask, askedTimes } = world();
    const outcome = await ask();
    const again: string[] = [];
    call.on("state", ({ type }) => {
      if (type !== "joined" || outcome.length > 0 || again.length > 0) return;
      call.leave();
      again.push("asked");
      void call.join({ audio: false }).then(() => again.push("joined"));
    });
    joined();
    await askedTimes(2);
    expect([outcome, again, call.state, clock.pending]).toEqual([["AbortError"], ["asked"], { type: "joining" }, 0]);
    joined();
    await until(() => again.length === 2, "the second join");
    expect([call.state, clock.pending]).toEqual([{ type: "joined" }, 1]);
  });
});
