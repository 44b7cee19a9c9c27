import fc from "fast-check";
import { expect, it } from "vitest";
import { CallWorld, type Happening, type Script } from "../../test/support/call-world.ts";

const client = fc.nat(3);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom("join" as const), client }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom("leave", "die", "disconnect", "add-track", "restart", "echo") as fc.Arbitrary<"leave">,
      client,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("cut" as const),
      client,
      // Within the time that a place is kept, and beyond.
      isAwayFor: fc.oneof(fc.integer({ min: 50, max: 5_000 }), fc.integer({ min: 20_000, max: 50_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restart-room" as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("drop-path" as const), client, other: client }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("echo" as const), client }) },
);

const script: fc.Arbitrary<Script> = fc.record({
  seed: fc.nat(),
  clients: fc.integer({ min: 2, max: 4 }),
  happenings: fc.array(
    fc.record({
      // Most in a rush, some with time to connect before them.
      after: fc.oneof(fc.nat(50), fc.nat(1_000), fc.nat(20_000)),
      happening,
    }),
    { maxLength: 30 },
  ),
});

/** Milliseconds after which everybody has to be connected to everybody, once nothing more happens. */
const REST_MS = 300_000;

function live(run: Script): string[] {
  const world = new CallWorld(run);
  for (const { after, happening: next } of run.happenings) {
    world.advance(after);
    world.happen(next);
  }
  // Those that were cut come back first.
  world.advance(60_000);
  world.calm();
  world.advance(REST_MS);
  return world.faults();
}

it("whatever happens to two to four peers, it ends with each connected to each, and no rule of WebRTC broken", () => {
  fc.assert(
    fc.property(script, (run) => {
      expect(live(run)).toEqual([]);
    }),
    { numRuns: Number(process.env.RUNS ?? 600), seed: Number(process.env.SEED ?? 7) },
  );
});
