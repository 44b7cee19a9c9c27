import { expect, it } from "vitest";
import type { PeerId } from "../../shared/rooms.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { monitorMedia } from "./media-monitor.ts";

const PEER = "peer" as PeerId;

function world() {
  const clock = new FakeClock();
  const counts = { own: 0, peer: 0, quality: 0, measured: 0 };
  const problems: unknown[] = [];
  const start = () => {
    const stop = monitorMedia({
      clock,
      inputs: { listen: () => counts.own++ },
      peers: new Map([
        [
          PEER,
          {
            listen: () => counts.peer++,
            measure: async () => {
              counts.quality++;
              throw new Error("no statistics");
            },
          },
        ],
      ]),
      measured: () => {
        if (++counts.measured === 40) stop();
      },
      problem: ({ peer, cause }) => problems.push([peer, String(cause)]),
    });
  };
  return { clock, counts, problems, start };
}

it("loudness is measured ten times a second, quality every two seconds, and a failure of one is told", async () => {
  const { clock, counts, problems, start } = world();
  start();
  for (let step = 0; step < 20; step++) clock.advance(100);
  await Promise.resolve();
  await Promise.resolve();
  expect(counts).toEqual({ own: 20, peer: 20, quality: 1, measured: 20 });
  expect(problems).toEqual([[PEER, "Error: no statistics"]]);
});

it("a monitor that is stopped while it tells a measurement leaves no timer behind", () => {
  const { clock, counts, start } = world();
  start();
  for (let step = 0; step < 60; step++) clock.advance(100);
  expect([counts.measured, clock.pending]).toEqual([40, 0]);
});
