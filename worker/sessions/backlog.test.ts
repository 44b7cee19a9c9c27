import { describe, expect, it } from "vitest";
import { type BacklogState, beginProbe, countSent, endProbe, NO_BACKLOG } from "./backlog.ts";

const MAX = 1_000;
const fresh = (): BacklogState => ({ ...NO_BACKLOG });

describe("what a client was sent", () => {
  it("[LIMIT-11] is asked about at a quarter of the bound, and lost above the bound", () => {
    const state = fresh();
    expect(countSent(state, MAX / 16 - 1, MAX)).toBe("fine");
    expect(countSent(state, 1, MAX)).toBe("save");
    expect(countSent(state, (MAX * 3) / 16 - 1, MAX)).toBe("save");
    expect(countSent(state, 1, MAX)).toBe("probe");
    beginProbe(state, 7);
    expect(countSent(state, MAX * 0.75, MAX)).toBe("save");
    expect(countSent(state, 1, MAX)).toBe("lost");
  });

  it("[LIMIT-11] is read up to the probe when the answer comes, and not beyond", () => {
    const state = fresh();
    countSent(state, 300, MAX);
    beginProbe(state, 7);
    countSent(state, 100, MAX);
    endProbe(state, 7);
    expect(state).toEqual({ unread: 100, probe: null });
  });

  it("[LIMIT-11] is not read by an answer that nobody asked for, or that is another one's", () => {
    const state = fresh();
    countSent(state, 300, MAX);
    endProbe(state, 7);
    expect(state.unread).toBe(300);
    beginProbe(state, 7);
    endProbe(state, 8);
    expect(state).toEqual({ unread: 300, probe: { nonce: 7, sentAfter: 0 } });
  });

  it("[LIMIT-11] is asked about once at a time: a second question takes the first one's place nowhere", () => {
    const state = fresh();
    beginProbe(state, 7);
    countSent(state, 400, MAX);
    beginProbe(state, 8);
    expect(state.probe).toEqual({ nonce: 7, sentAfter: 400 });
  });
});
