import { expect, it } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { Turns } from "./turns.ts";

function sweptTurns() {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  const order: string[] = [];
  turns.sweptBy({ sweep: () => order.push("sweep") });
  return { clock, turns, order };
}

it("a turn is swept after it, also when it throws", () => {
  const { turns, order } = sweptTurns();
  expect(turns.run(() => order.push("work"))).toBe(1);
  const failing = () => {
    order.push("work");
    throw new Error("planted");
  };
  expect(() => turns.run(failing)).toThrow("planted");
  expect(order).toEqual(["work", "sweep", "work", "sweep"]);
});

it("a timer is a turn; one that was cleared is none", () => {
  const { clock, turns, order } = sweptTurns();
  turns.setTimeout(() => order.push("timer"), 10);
  turns.clearTimeout(turns.setTimeout(() => order.push("cleared"), 10));
  clock.advance(9);
  expect(order).toEqual([]);
  clock.advance(1);
  expect(order).toEqual(["timer", "sweep"]);
});

it("without a sweeper turns just end", () => {
  expect(new Turns(new FakeClock()).run(() => "done")).toBe("done");
});
