import fc from "fast-check";
import { expect, it, vi } from "vitest";
import type { PeerId } from "../../shared/rooms.ts";
import { CallWorld, type Happening, type Script, type Simple } from "../../test/support/call-world.ts";
import { connectedPeers, EMPTY_MESH, type MeshEvent, stepMesh } from "./mesh.ts";

/*
 * What these properties catch, here and in `negotiation.test.ts`, was seen by planting it in `negotiation.ts` and `mesh.ts`,
 * one at a time:
 * - either side always, or never, gives way in glare; both are polite, or neither is
 * - of two connections made at once both live, or neither
 * - an answer is taken for another offer, or in the wrong state; a stale offer is taken
 * - a message of a connection that is over, or another one, is taken; the end of an operation of it, too
 * - candidates are added too early, or forgotten
 * - two operations at once; two timers at once
 * - nothing is sent again, restarted, replaced
 * - a new peer id keeps the old connections; who is gone keeps one; who is there gets none
 */

const CLIENT = fc.nat(3);

function simple(...types: Simple["type"][]): fc.Arbitrary<Happening> {
  return fc.record({ type: fc.constantFrom(...types), client: CLIENT });
}

const joining = { weight: 6, arbitrary: simple("join") };
const cutting = {
  weight: 4,
  arbitrary: fc.record({
    type: fc.constant("cut" as const),
    client: CLIENT,
    // Within the time that a place is kept, and beyond.
    isAwayFor: fc.oneof(fc.integer({ min: 50, max: 5_000 }), fc.integer({ min: 20_000, max: 50_000 })),
  }),
};
const restarting = { weight: 1, arbitrary: fc.record({ type: fc.constant("restart-room" as const) }) };
const dropping = {
  weight: 2,
  arbitrary: fc.record({ type: fc.constant("drop-path" as const), client: CLIENT, other: CLIENT }),
};

function script(happening: fc.Arbitrary<Happening>, operationsFail: boolean): fc.Arbitrary<Script> {
  return fc.record({
    seed: fc.nat(),
    clients: fc.integer({ min: 2, max: 4 }),
    operationsFail: fc.constant(operationsFail),
    happenings: fc.array(
      fc.record({
        // Most in a rush, some with time to connect before them.
        after: fc.oneof(fc.nat(50), fc.nat(1_000), fc.nat(20_000)),
        happening,
      }),
      { maxLength: 30 },
    ),
  });
}

/** @param rest milliseconds after which everybody has to be connected to everybody, once nothing more happens */
function live(run: Script, rest: number): CallWorld {
  const world = new CallWorld(run);
  for (const { after, happening } of run.happenings) {
    world.advance(after);
    world.happen(happening);
  }
  // Those that were cut come back first.
  world.advance(60_000);
  world.calm();
  world.advance(rest);
  return world;
}

const NUMBERS = { numRuns: Number(process.env.RUNS ?? 1_500), seed: Number(process.env.SEED ?? 7) };

// Some seconds of work, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

it("whatever happens to two to four peers, it ends with each connected to each, and no rule of WebRTC broken", () => {
  const anything = fc.oneof(
    joining,
    { weight: 8, arbitrary: simple("leave", "die", "disconnect", "add-track", "restart") },
    { weight: 6, arbitrary: simple("echo") },
    cutting,
    restarting,
    dropping,
  );
  fc.assert(
    fc.property(script(anything, true), (run) => {
      expect(live(run, 300_000).faults()).toEqual([]);
    }),
    NUMBERS,
  );
});

it("what was lost with a socket is made good as soon as the socket is back, and all are connected 20 s later", () => {
  const losses = fc.oneof(
    joining,
    { weight: 6, arbitrary: simple("leave", "die", "disconnect", "add-track", "restart") },
    cutting,
    restarting,
  );
  fc.assert(
    fc.property(script(losses, false), (run) => {
      expect(live(run, 20_000).faults()).toEqual([]);
    }),
    NUMBERS,
  );
});

it("as long as no socket is lost nothing has to be helped, whatever is said at once, twice or late", () => {
  const noLoss = fc.oneof(joining, { weight: 6, arbitrary: simple("leave", "add-track", "restart", "echo", "echo") });
  fc.assert(
    fc.property(script(noLoss, false), (run) => {
      const world = live(run, 4_000);
      expect([world.faults(), world.helps]).toEqual([[], 0]);
    }),
    NUMBERS,
  );
});

it("as long as nothing is lost or said twice every offer that is answered was still meant", () => {
  const noLoss = fc.oneof(joining, { weight: 9, arbitrary: simple("leave", "add-track", "add-track", "restart") });
  fc.assert(
    fc.property(script(noLoss, false), (run) => {
      expect(live(run, 4_000).wastedAnswers()).toBe(0);
    }),
    NUMBERS,
  );
});

it("who is not among the members is given up, who was not told of yet is not, nor who is between two sockets", () => {
  const [me, ada, bob] = ["me", "ada", "bob"] as PeerId[] as [PeerId, PeerId, PeerId];
  let mesh = EMPTY_MESH;
  let count = 0;
  const happens = (event: MeshEvent): readonly PeerId[] => {
    mesh = stepMesh(mesh, event, { newConnection: () => `${++count}` }).mesh;
    return connectedPeers(mesh);
  };
  happens({ type: "welcomed", me });
  expect(happens({ type: "joined", members: [ada, bob] })).toEqual([ada, bob]);
  expect(happens({ type: "told", members: new Map([[ada, "connected"]]) })).toEqual([ada, bob]);
  expect(happens({ type: "undeliverable", to: ada })).toEqual([ada, bob]);
  expect(happens({ type: "undeliverable", to: bob })).toEqual([ada]);
  expect(happens({ type: "joined", members: [bob] })).toEqual([bob]);
});
