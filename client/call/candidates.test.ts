import { expect, it } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { CandidateBatch } from "./candidates.ts";
import { RelayServers } from "./relay-servers.ts";

const candidate = { candidate: "c", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "u" } as RTCIceCandidate;

it("candidates of 50 ms are one message, at most 64 in each, and wait while the room is away", () => {
  const clock = new FakeClock();
  const sent: number[] = [];
  let isOnline = true;
  const batch = new CandidateBatch("id", {
    clock,
    canSend: () => isOnline,
    send: (_connection, candidates) => sent.push(candidates.length),
  });
  for (let count = 0; count < 3; count++) batch.add(candidate);
  clock.advance(49);
  expect(sent).toEqual([]);
  clock.advance(1);
  expect(sent).toEqual([3]);
  isOnline = false;
  for (let count = 0; count < 70; count++) batch.add(candidate);
  clock.advance(50);
  expect(sent).toEqual([3]);
  isOnline = true;
  batch.flush();
  expect(sent).toEqual([3, 64, 6]);
  batch.add(candidate);
  batch.close();
  clock.advance(100);
  expect([sent.length, clock.pending]).toEqual([3, 0]);
});

it("ICE servers are asked for anew before they end, and again until there is an answer", () => {
  const clock = new FakeClock();
  let asked = 0;
  const relays = new RelayServers({ clock, ask: () => asked++ });
  relays.replace({ iceServers: [{ urls: "turn:a", username: "u", credential: "c" }], iceExpiresIn: 600_000 });
  expect(relays.servers).toEqual([{ urls: "turn:a", username: "u", credential: "c" }]);
  clock.advance(539_999);
  expect(asked).toBe(0);
  clock.advance(1);
  expect(asked).toBe(1);
  clock.advance(15_000);
  expect(asked).toBe(2);
  relays.replace({ iceServers: [] });
  expect([relays.servers, clock.pending]).toEqual([[], 0]);
});
