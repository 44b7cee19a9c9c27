import { expect, it } from "vitest";
import { itemsWorth } from "../document/edit.ts";
import { answerCost, comparisonCost, editCost, frameCost } from "./prices.ts";

const room = { participants: 10, documentBytes: 1_000_000 };
const nothing = { items: 0, deletions: 0, checkedBytes: 0, searchSteps: 0, movedStructs: 0, loads: 0, crowding: 0 };

it.each([
  ["items", { items: 1_000 }],
  ["deletions", { deletions: 1_000 }],
  ["bytes of values", { checkedBytes: 100_000 }],
  ["steps of searches", { searchSteps: 10_000 }],
  ["structs that are shifted", { movedStructs: 1_000_000 }],
  ["loads of the document", { loads: 1 }],
  ["what nobody can delete in a document that has enough of it", { crowding: 16 }],
])("[LIMIT-7] an update pays for %s, not for its frame alone", (_what, work) => {
  const cost = editCost({ ...nothing, ...work }, 100, room);
  expect(cost).toBeGreaterThan(10 * frameCost("edits", 100));
  expect(cost).toBeGreaterThan(10 * editCost(nothing, 100, room));
});

it("what fills a window is worth what it costs", () => {
  for (const kind of ["items", "deletions", "searchSteps", "movedStructs"] as const) {
    const work = { ...nothing, [kind]: 6_000_000 };
    const item = editCost({ ...nothing, items: 1 }, 0, room);
    expect(itemsWorth(work) * item).toBeCloseTo(editCost(work, 0, room), 3);
  }
});

it("[LIMIT-7] an answer to step 1 pays for its bytes, and finding it for the document's", () => {
  expect(answerCost(1_000_000)).toBeGreaterThan(100 * answerCost(1_000));
  expect(comparisonCost(room)).toBeGreaterThan(100 * comparisonCost({ ...room, documentBytes: 1_000 }));
});
