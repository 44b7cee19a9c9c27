import { describe, expect, it } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { Pacer } from "./pacer.ts";

describe("a pacer", () => {
  it("runs when it is asked after its time has come, though the timer has not gone off: a busy runtime is late with it", () => {
    const clock = new FakeClock();
    const runs: number[] = [];
    const pacer = new Pacer(10, () => runs.push(clock.time), clock);
    pacer.request();
    clock.time = 5;
    pacer.request();
    clock.time = 40;
    pacer.request();
    expect([runs, clock.pending]).toEqual([[0, 40], 0]);
    pacer.request();
    clock.advance(10);
    expect([runs, clock.pending]).toEqual([[0, 40, 50], 0]);
  });

  it("leaves time between runs that take longer than the interval", () => {
    const clock = new FakeClock();
    const runs: number[] = [];
    const pacer = new Pacer(
      10,
      () => {
        runs.push(clock.time);
        pacer.delayNextRun(25);
      },
      clock,
    );
    pacer.request();
    // It took so long.
    clock.time = 25;
    pacer.request();
    expect([runs, clock.pending]).toEqual([[0], 1]);
    clock.advance(10);
    expect(runs).toEqual([0, 35]);
  });

  it("runs the first request at once and without a timer, later ones once per interval", () => {
    const clock = new FakeClock();
    const runs: number[] = [];
    const pacer = new Pacer(10, () => runs.push(clock.time), clock);
    pacer.request();
    expect([runs, clock.pending]).toEqual([[0], 0]);
    clock.advance(4);
    for (let index = 0; index < 5; index++) pacer.request();
    expect([runs, clock.pending]).toEqual([[0], 1]);
    clock.advance(6);
    expect([runs, clock.pending]).toEqual([[0, 10], 0]);
    clock.advance(30);
    pacer.request();
    expect([runs, clock.pending]).toEqual([[0, 10, 40], 0]);
  });

  it("does not leave a run that is overdue to a timer that the runtime keeps waiting", () => {
    const clock = new FakeClock();
    const runs: number[] = [];
    const pacer = new Pacer(10, () => runs.push(clock.time), clock);
    pacer.request();
    pacer.request();
    clock.time = 9;
    pacer.request();
    clock.time = 25;
    pacer.request();
    expect([runs, clock.pending]).toEqual([[0, 25], 0]);
  });

  it("leaves a run that is asked for later to a later turn, also when it is overdue", () => {
    const clock = new FakeClock();
    const runs: number[] = [];
    const pacer = new Pacer(10, () => runs.push(clock.time), clock);
    pacer.request();
    clock.time = 25;
    pacer.requestLater();
    pacer.requestLater();
    expect([runs, clock.pending]).toEqual([[0], 1]);
    clock.advance(0);
    clock.advance(1);
    expect(runs).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  it("drops the owed run when it runs now or is cancelled", () => {
    const clock = new FakeClock();
    let runs = 0;
    const pacer = new Pacer(10, () => runs++, clock);
    pacer.request();
    pacer.request();
    pacer.runNow();
    clock.advance(100);
    expect([runs, clock.pending]).toEqual([2, 0]);
    pacer.request();
    pacer.request();
    pacer.cancel();
    clock.advance(100);
    expect(runs).toBe(3);
  });
});
