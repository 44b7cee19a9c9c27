import { describe, it } from "vitest";
import type { Plant } from "../support/bare-room-server.ts";
import { runChurn } from "./load-churn.ts";
import { runClockJumps } from "./load-clocks.ts";
import { runPausedReader } from "./load-paused-reader.ts";
import { runReconnectStorm } from "./load-reconnects.ts";
import { runWakes } from "./load-wakes.ts";
import { megabytes } from "./runtime-memory.ts";
import { report, scaled, seed } from "./scale.ts";
import { Violation } from "./violation.ts";

const MILLION = 1_000_000;
/** Milliseconds that a loaded machine may need. */
const patience = 60_000;
/** Milliseconds after which a planted bug counts as caught: what is promised would have come long before. */
const impatience = 3_000;

interface PlantedBug extends Plant {
  readonly bug: string;
}

describe("a reconnect storm", () => {
  it("after a restart everybody is synced and saved, and the document is loaded once", async () => {
    const clients = scaled({ short: 60, long: 500 });
    const documentBytes = MILLION;
    const figures = await runReconnectStorm({ seed, clients, documentBytes, patience });
    report(
      `reconnect storm, seed ${seed}: ${clients} clients, ${megabytes(documentBytes)}: all synced after ` +
        `${figures.syncedMs.toFixed(0)} ms, all saved after ${figures.savedMs.toFixed(0)} ms (they come within a second); ` +
        `${megabytes(figures.receivedBytes)} received, answers to those who knew everything ` +
        `${megabytes(figures.answersToKnowing)}, to the others ${megabytes(figures.answersToUnknowing)}; ` +
        `document loads: ${figures.loads}`,
    );
  });

  describe("catches", () => {
    it.concurrent.for<PlantedBug>([
      {
        bug: "the document is read from storage for everybody who asks",
        file: "worker/sync.ts",
        find: "const answer = document.encode(stateVector);",
        replace: "document.discard(); const answer = document.encode(stateVector);",
      },
      {
        bug: "everybody is sent the whole document",
        file: "worker/sync.ts",
        find: "const answer = document.encode(stateVector);",
        replace: "const answer = document.encode();",
      },
      {
        bug: "an author is not sent the others' edits of its window",
        file: "worker/sync.ts",
        find: "this.#publish(updates, authors.size === 1 ? author : undefined);",
        replace: "this.#publish(updates, author);",
      },
      {
        bug: "of all who wait for an acknowledgement one gets it",
        file: "worker/sync.ts",
        find: "for (const [session, number] of this.#unacknowledged) this.#acknowledge(session, number);",
        replace:
          "for (const [session, number] of [...this.#unacknowledged].slice(0, 1)) this.#acknowledge(session, number);",
      },
    ])("$bug", async ({ bug: _, ...plant }, { expect }) => {
      const small = { seed, clients: 24, documentBytes: 100_000, patience: impatience, plant };
      await expect(runReconnectStorm(small)).rejects.toThrow(Violation);
    });
  });
});

describe("a clock that jumps", () => {
  it("delays nothing that is owed, and no challenge", async () => {
    const figures = await runClockJumps({ seed, steps: scaled({ short: 20_000, long: 500_000 }) });
    report(
      `clock jumps of 5 min and 1 day, seed ${seed}: ${figures.jumps} jumps in ${figures.steps} steps of a pacer and ` +
        `${figures.scenes} scenes of presence`,
    );
  });

  describe("catches", () => {
    it.for<PlantedBug>([
      {
        bug: "after the clock was set back a run waits for the old time",
        file: "worker/pacer.ts",
        find: "Math.min(this.#lastRun + this.#interval - this.#clock.now(), this.#interval)",
        replace: "this.#lastRun + this.#interval - this.#clock.now()",
      },
      {
        bug: "each request starts a timer",
        file: "worker/pacer.ts",
        find: "if (this.#timer !== undefined) return;",
        replace: "",
      },
      {
        bug: "a challenge ends by the clock",
        file: "worker/presence.ts",
        find: "const timer = this.#clock.setTimeout(() => this.#releaseToClaimants(holder, entry.clientId), CHALLENGE_MS);",
        replace: `const asked = this.#clock.now();
          const timer = this.#clock.setTimeout(() => {
            if (this.#clock.now() - asked >= CHALLENGE_MS) this.#releaseToClaimants(holder, entry.clientId);
          }, CHALLENGE_MS);`,
      },
      {
        bug: "an answered challenge keeps its timer",
        file: "worker/presence.ts",
        find: "this.#clock.clearTimeout(challenge.timer);",
        replace: "",
      },
    ])("$bug", async ({ bug: _, ...plant }, { expect }) => {
      await expect(runClockJumps({ seed, steps: 2_000, plant })).rejects.toThrow(Violation);
    });
  });
});

describe("a room that wakes", () => {
  it("shows a newcomer everybody, tells all of a leaver, and does not load the document", async () => {
    const wakes = scaled({ short: 10, long: 100 });
    const figures = await runWakes({ seed, wakes, members: 6, patience });
    report(
      `wakes, seed ${seed}: ${figures.wakes}, ${figures.newcomers} by a newcomer, who was shown everybody after at most ` +
        `${figures.slowestMs.toFixed(0)} ms, the others by a leaver; presence whole each time`,
    );
  });

  describe("catches", () => {
    it.concurrent.for<PlantedBug>([
      {
        bug: "who holds which client id is forgotten",
        file: "worker/presence.ts",
        find: "if (session.state.presence !== null) this.#holders.set(session.state.presence.clientId, session);",
        replace: "void session;",
      },
      {
        bug: "sockets that outlived the object are not known",
        file: "worker/sessions.ts",
        find: "else this.#bySocket.set(socket, session);",
        replace: "",
      },
      {
        bug: "presence is not kept in the attachment",
        file: "worker/sessions.ts",
        find: "else session.save(this.#store);",
        replace: "",
      },
      {
        bug: "a large presence state is not kept in its row",
        file: "worker/session.ts",
        find: "if (row !== null) store.savePresence(rowId, row);",
        replace: "if (row !== null) void rowId;",
      },
      {
        bug: "presence loads the document",
        file: "worker/sync.ts",
        find: "requestSave(): void {",
        replace: "requestSave(): void { this.#document.ensureLoaded();",
      },
    ])("$bug", async ({ bug: _, ...plant }, { expect }) => {
      const small = { seed, wakes: 3, members: 4, patience: impatience, plant };
      await expect(runWakes(small)).rejects.toThrow(Violation);
    });
  });
});

describe("a paused reader", () => {
  it("harms nobody, and has everything when it reads again", async () => {
    const bytes = scaled({ short: 8, long: 50 }) * MILLION;
    const figures = await runPausedReader({ seed, readers: 20, bytes, patience });
    const [before, most, after] = figures.resident;
    const latency = ({ p50, p99 }: { p50: number; p99: number }) => `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)} ms`;
    report(
      `a paused reader beside 20, seed ${seed}: ${megabytes(figures.writtenBytes)} written, latency of the slowest live ` +
        `reader before ${latency(figures.before)}, meanwhile ${latency(figures.during)}; runtime's resident memory ` +
        `${megabytes(before)} before, ${megabytes(most)} at most, ${megabytes(after)} after; the paused one ` +
        (figures.reconnected ? "was closed and came back" : "read on where it had stopped"),
    );
  });

  describe("catches", () => {
    it.concurrent.for<PlantedBug>([
      {
        bug: "a socket that was sent much is passed over from then on",
        file: "worker/session.ts",
        find: "      this.#socket.send(data);",
        replace: `      this.sent = (this.sent ?? 0) + data.length;
      if (this.sent < 2_000_000) this.#socket.send(data);`,
      },
      {
        bug: "what was overwritten stays in the document",
        file: "worker/document.ts",
        find: "    let doc = new Y.Doc();",
        replace: "    let doc = new Y.Doc({ gc: false });",
      },
    ])("$bug", async ({ bug: _, ...plant }, { expect }) => {
      const small = { seed, readers: 3, bytes: 7 * MILLION, patience: impatience, plant };
      await expect(runPausedReader(small)).rejects.toThrow(Violation);
    });
  });
});

describe("sockets that come and vanish", () => {
  it("leave nothing behind, and disturb nobody who works", async () => {
    const sockets = scaled({ short: 200, long: 2_000 });
    const figures = await runChurn({ seed, sockets, patience });
    report(
      `churn, seed ${seed}: ${figures.dropped} sockets dropped by a reset in ${figures.milliseconds.toFixed(0)} ms beside 5 ` +
        `who worked (${figures.editsSaved} edits saved); no ghost ${figures.clearedMs.toFixed(0)} ms after the last`,
    );
  });

  describe("catches", () => {
    it.concurrent.for<PlantedBug>([
      {
        bug: "a closed socket's session stays",
        file: "worker/sessions.ts",
        find: "this.#bySocket.delete(socket);",
        replace: "",
      },
      {
        bug: "a leaver's presence stays",
        file: "worker/room.ts",
        find: "this.#presence.left(session);",
        replace: "",
      },
      {
        bug: "an echo of another's presence takes its id",
        file: "worker/presence.ts",
        find: "if (this.#denials.get(session)?.holder === holder) return;",
        replace: "if (holder !== undefined) return this.#grant(session, entry);",
      },
    ])("$bug", async ({ bug: _, ...plant }, { expect }) => {
      await expect(runChurn({ seed, sockets: 60, patience: impatience, plant })).rejects.toThrow(Violation);
    });
  });
});
