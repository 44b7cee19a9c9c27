import fc from "fast-check";
import { expect, it } from "vitest";
import { glide } from "./glide.ts";
import { cleanName, PERSON_COLORS, parsePresence, toWire } from "./presence.ts";

const user = { name: "Ada", color: PERSON_COLORS[0] };
const still = { user, cursor: null, selection: [], view: null, preview: { type: "none" } } as const;
const send = (state: Parameters<typeof toWire>[0]) => parsePresence(JSON.parse(JSON.stringify(toWire(state))));

it("what one tells is what the others read", () => {
  expect(send(still)).toEqual({ user, cursor: null, selection: [], view: null, activity: null });
  const busy = send({
    ...still,
    cursor: { x: 1.5, y: -2 },
    selection: ["a"],
    view: { x: 0, y: 0, w: 100, h: 50 },
    preview: { type: "transform", ids: ["a"], transform: { sx: 1, sy: 1, dx: 5, dy: 6 } },
  });
  expect(busy).toMatchObject({
    cursor: { x: 1.5, y: -2 },
    selection: ["a"],
    view: { w: 100 },
    activity: { type: "transform", ids: ["a"], transform: { dx: 5, dy: 6 } },
  });
});

it("a long stroke in progress is told in few kilobytes, from its first sample to its last", () => {
  const samples = Array.from({ length: 9_000 }, (_, index) => ({ x: index, y: 100 * Math.sin(index / 50) }));
  const preview = { type: "ink", samples, color: "red", size: 4 } as const;
  expect(JSON.stringify(toWire({ ...still, preview })).length).toBeLessThan(4_000);
  const activity = send({ ...still, preview })?.activity;
  if (activity?.type !== "ink") throw new Error("no ink");
  expect(activity.samples[0]?.x).toBeCloseTo(0, 0);
  expect(activity.samples.at(-1)?.x).toBeCloseTo(8_999, 0);
});

it("whatever others send, nothing throws, and what is shown is bounded", () => {
  const state = fc.record({
    user: fc.anything(),
    cursor: fc.anything(),
    selection: fc.anything(),
    view: fc.anything(),
    doing: fc.anything(),
  });
  fc.assert(
    fc.property(fc.oneof(state, fc.anything()), (sent) => {
      const person = parsePresence(sent);
      expect(person === null || person.user.name.length <= 40).toBe(true);
    }),
  );
  const many = parsePresence({ user, selection: Array.from({ length: 5_000 }, () => "x") });
  expect(many?.selection).toHaveLength(200);
});

it("a name has no character that turns or breaks the text around it", () => {
  expect(cleanName(" A\u202edA\n\u0000 ")).toBe("AdA");
  expect(cleanName("x".repeat(99))).toHaveLength(40);
});

it("a cursor glides to where it was heard to be, to the same place at any frame rate, and arrives", () => {
  const [from, to] = [
    { x: 0, y: 0 },
    { x: 100, y: 50 },
  ];
  const fast = glide(glide(from, to, 8), to, 8);
  const slow = glide(from, to, 16);
  expect(fast.x).toBeCloseTo(slow.x, 6);
  let at = from;
  for (let frame = 0; frame < 40; frame++) at = glide(at, to, 16);
  expect(at).toBe(to);
});
