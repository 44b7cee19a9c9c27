import { mkdirSync, writeFileSync } from "node:fs";
import { describe, it } from "vitest";
import type { Plant } from "../../support/plant.ts";
import { megabytes } from "../support/runtime-process.ts";
import { isLong, report, scaled, seed } from "../support/scale.ts";
import { Violation } from "../support/violation.ts";
import { runSoak } from "./soak.ts";
import { csvOf, svgOf } from "./soak-plot.ts";

/** Milliseconds in which a quiet room has done everything that it put off: five seconds is the longest. */
const patience = 20_000;
const impatience = 8_000;
/** Sockets that leave more behind than the heap varies by: whole sessions, and the sockets alone. */
const MANY_SESSIONS = 1_200;
const MANY_SOCKETS = 3_000;

interface PlantedBug extends Plant {
  readonly bug: string;
  /** Sockets that must come and go until it shows. */
  readonly passed?: number;
}

const BUGS: readonly PlantedBug[] = [
  {
    bug: "the sessions of closed sockets stay",
    file: "worker/sessions/sessions.ts",
    find: "this.#bySocket.delete(socket);",
    replace: "",
    passed: MANY_SESSIONS,
  },
  {
    bug: "a pacer starts its timer again for ever",
    file: "worker/runtime/pacer.ts",
    find: "this.#lastRun = this.#clock.now();",
    replace: `this.#lastRun = this.#clock.now();
          this.#timer = this.#clock.setTimeout(() => this.runNow(), this.#interval);`,
  },
  {
    bug: "presence writes a row for each message",
    file: "worker/sessions/sessions.ts",
    find: "    this.#changed.add(session);",
    replace: `    this.#changed.add(session);
          const state = session.state.presence?.state;
          if (state) this.#store.savePresence(session.state.rowId, state);`,
  },
  {
    bug: "the log has a row for each update",
    file: "worker/sync/persistence.ts",
    find: "this.#uncommittedBytes += update.length;",
    replace: "this.#uncommittedBytes += update.length; this.commit();",
  },
  {
    bug: "each commit is followed by a snapshot",
    file: "worker/sync/persistence.ts",
    find: `else if (this.#isDue("quiet")) this.#startQuietTimer();`,
    replace: "else if (this.#store.figures().logBytesSinceSnapshot > 0) this.#trySnapshot();",
  },
  // It takes so many sockets to show that the short form has no time for it.
  ...(isLong
    ? [
        {
          bug: "closed sockets are held for ever",
          file: "worker/sessions/sessions.ts",
          find: "readonly #closed = new WeakSet<WebSocket>();",
          replace: "readonly #closed = new Set<WebSocket>();",
          passed: MANY_SOCKETS,
        },
      ]
    : []),
];

/** Leaves the samples where they can be looked at. */
function keep(samples: Awaited<ReturnType<typeof runSoak>>["samples"], title: string): void {
  mkdirSync(".cache/soak", { recursive: true });
  writeFileSync(".cache/soak/soak.csv", csvOf(samples));
  writeFileSync(".cache/soak/soak.svg", svgOf(samples, title));
  if (!isLong) return;
  mkdirSync("docs/img", { recursive: true });
  writeFileSync("docs/img/soak.svg", svgOf(samples, title));
}

describe("a soak", () => {
  it("what mixed work costs stays flat, and nothing goes on after it", async () => {
    const seconds = scaled({ short: 18, long: 600 });
    const rooms = scaled({ short: 2, long: 4 });
    const figures = await runSoak({
      seed,
      seconds,
      rooms,
      leastPassed: scaled({ short: 300, long: 10_000 }),
      letters: scaled({ short: 10, long: 100 }),
      passersby: scaled({ short: 5, long: 3 }),
      evictEveryMs: scaled({ short: 5_000, long: 30_000 }),
      sampleEveryMs: scaled({ short: 800, long: 5_000 }),
      // Long enough to hibernate, in the long form.
      silenceMs: scaled({ short: 1_000, long: 12_500 }),
      patience,
    });
    const { edits, passed, evictions, rowsPerSecond, bytesPerByte, heapAtRest, hibernated } = figures;
    const [heap, rows, bytes] = [figures.heap, figures.rowsPerEdit, figures.bytesPerEdit];
    const words =
      `soak of ${seconds} s, seed ${seed}: ${rooms} rooms, ${edits} edits, ${passed} sockets came and went, ` +
      `${evictions} evictions`;
    keep(figures.samples, words);
    report(
      `${words}; second and last third: heap ${megabytes(heap[0])}, ${megabytes(heap[1])}, rows per edit ` +
        `${rows[0].toFixed(2)}, ${rows[1].toFixed(2)}, bytes per edit ${bytes[0].toFixed(0)}, ${bytes[1].toFixed(0)}; ` +
        `heap at rest ${megabytes(heapAtRest[0])} when warm, ${megabytes(heapAtRest[1])} at the end; at most ${rowsPerSecond.toFixed(1)} rows a second ` +
        `and room, ${bytesPerByte.toFixed(2)} bytes written per byte of updates; in silence no event, ${hibernated} of ${rooms} rooms hibernated`,
    );
  });

  describe("catches", { retry: 1 }, () => {
    it.concurrent.for(BUGS)("$bug", async ({ bug: _, passed = 0, ...plant }, { expect }) => {
      const small = {
        seed,
        seconds: 4,
        leastPassed: passed,
        rooms: 1,
        letters: 10,
        passersby: passed > 0 ? 30 : 4,
        evictEveryMs: 60_000,
        sampleEveryMs: 400,
        silenceMs: 500,
        patience: impatience,
        plant,
      };
      await expect(runSoak(small)).rejects.toThrow(Violation);
    });
  });
});
