import { describe, expect, it } from "vitest";
import { BURST_SECONDS, LONGEST_DEBT_SECONDS, PENALTY_SECONDS } from "../../shared/limits.ts";
import { Budget, KINDS, type Rates } from "./budget.ts";

const RATE = 1_000;
const FULL = RATE * BURST_SECONDS;
const rates = Object.fromEntries(KINDS.map((kind) => [kind, RATE])) as Rates;

function budget() {
  let now = 5_000_000;
  const clock = () => now;
  return {
    budget: new Budget(rates, clock),
    other: () => new Budget(rates, clock),
    wait: (seconds: number) => {
      now += seconds * 1_000;
    },
  };
}

describe("a budget", () => {
  it("[LIMIT-7] grants a whole burst at once, and not more", () => {
    const { budget: one } = budget();
    expect(one.spend("joins", FULL * 0.7)).toBe("granted");
    expect(one.spend("joins", FULL * 0.2)).toBe("nearly-spent");
    expect(one.spend("joins", FULL * 0.1)).toBe("granted");
    expect(one.spend("joins", 1)).toBe("spent");
  });

  it("[LIMIT-7] owes the penalty once, however much is asked of an empty bucket", () => {
    const { budget: one, wait } = budget();
    for (let frame = 0; frame < 1_000; frame++) one.spend("edits", FULL * 0.6);
    wait(PENALTY_SECONDS + BURST_SECONDS * 0.2);
    expect(one.isSolvent).toBe(true);
  });

  it("[LIMIT-7] counts each kind by itself", () => {
    const { budget: one } = budget();
    for (const kind of KINDS) expect(one.spend(kind, FULL * 0.7)).toBe("granted");
    expect(one.spend("edits", FULL)).toBe("spent");
    for (const kind of KINDS) if (kind !== "edits") expect(one.spend(kind, FULL * 0.04)).toBe("granted");
  });

  it("[LIMIT-7] grants its rate for ever", () => {
    const { budget: one, wait } = budget();
    one.spend("edits", FULL * 0.7);
    for (let second = 0; second < 1_000; second++) {
      wait(1);
      expect(one.spend("edits", RATE)).toBe("granted");
    }
  });

  it("[LIMIT-7] warns once, and again when half was there in between", () => {
    const { budget: one, wait } = budget();
    expect(one.spend("edits", FULL * 0.8)).toBe("nearly-spent");
    wait(BURST_SECONDS * 0.2);
    expect(one.spend("edits", FULL * 0.2)).toBe("granted");
    wait(BURST_SECONDS * 0.5);
    expect(one.spend("edits", 0)).toBe("granted");
    expect(one.spend("edits", FULL * 0.5)).toBe("nearly-spent");
  });

  it("[LIMIT-7] is full again after the seconds that it holds, and not before", () => {
    const { budget: one, wait } = budget();
    for (const kind of KINDS) one.spend(kind, FULL);
    wait(BURST_SECONDS - 0.01);
    expect(one.isFull).toBe(false);
    wait(0.01);
    expect(one.isFull).toBe(true);
  });

  it("[LIMIT-8] owes a penalty once it is spent", () => {
    const { budget: one, wait } = budget();
    one.spend("edits", FULL + 1);
    expect(one.isSolvent).toBe(false);
    wait(PENALTY_SECONDS);
    expect(one.isSolvent).toBe(false);
    wait(0.01);
    expect(one.isSolvent).toBe(true);
  });

  it("[LIMIT-8] owes no more than a bounded debt, whatever one request cost", () => {
    const { budget: one, other, wait } = budget();
    one.spend("edits", FULL * 1_000);
    one.take(one);
    const two = other();
    two.take(one);
    for (const each of [one, two]) expect(each.isSolvent).toBe(false);
    wait(LONGEST_DEBT_SECONDS);
    for (const each of [one, two]) expect(each.isSolvent).toBe(true);
  });

  it("refills nothing when the clock is set back, and goes on from there", () => {
    const { budget: one, wait } = budget();
    one.spend("edits", FULL);
    wait(-1_000_000);
    expect(one.spend("edits", 1)).toBe("spent");
    wait(BURST_SECONDS + PENALTY_SECONDS + 1);
    expect(one.isFull).toBe(true);
  });

  it("[LIMIT-8] takes over what others lack", () => {
    const { budget: one, other } = budget();
    const two = other();
    one.spend("joins", FULL * 0.6);
    two.spend("joins", FULL * 0.6);
    one.take(two);
    expect(one.isSolvent).toBe(false);
    expect(two.isSolvent).toBe(true);
  });
});
