import type { Plant } from "../../support/plant.ts";
import { runChurn } from "./load-churn.ts";
import { runClockJumps } from "./load-clocks.ts";
import { runPausedReader } from "./load-paused-reader.ts";
import { runReconnectStorm } from "./load-reconnects.ts";
import { runWakes } from "./load-wakes.ts";

/** A suite in a small size. */
type SmallRun = (seed: number, plant?: Plant) => Promise<unknown>;

interface LoadBug extends Plant {
  readonly run: SmallRun;
  readonly bug: string;
}

/** Milliseconds after which a planted bug counts as caught: what is promised comes long before. */
const IMPATIENCE = 3_000;
/** Milliseconds that a loaded machine may need where there is none. */
const PATIENCE = 60_000;

const planted = (plant: Plant | undefined) =>
  plant === undefined ? { patience: PATIENCE } : { patience: IMPATIENCE, plant };

const storm: SmallRun = (seed, plant) =>
  runReconnectStorm({ seed, clients: 24, documentBytes: 100_000, ...planted(plant) });

const clocks: SmallRun = (seed, plant) => runClockJumps({ seed, steps: 2_000, ...(plant && { plant }) });

const wakes: SmallRun = (seed, plant) => runWakes({ seed, wakes: 3, members: 4, ...planted(plant) });

const pausedReader: SmallRun = (seed, plant) =>
  runPausedReader({ seed, readers: 3, bytes: 7_000_000, ...planted(plant) });

const churn: SmallRun = (seed, plant) => runChurn({ seed, sockets: 60, ...planted(plant) });

export const SMALL_RUNS = Object.entries({ storm, clocks, wakes, pausedReader, churn });

/** Bugs of the kind that each suite is there to find. */
export const LOAD_BUGS: readonly LoadBug[] = [
  {
    run: storm,
    bug: "the document is read from storage for everybody who asks",
    file: "worker/sync/catch-up.ts",
    find: "return this.#step2Cache.frameFor(",
    replace: "document.discard(); return this.#step2Cache.frameFor(",
  },
  {
    run: storm,
    bug: "everybody is sent the whole document",
    file: "worker/sync/catch-up.ts",
    find: "document.encodeMissing(stateVector)",
    replace: "document.encode()",
  },
  {
    run: storm,
    bug: "an author is not sent the others' edits of its window",
    file: "worker/sync/sync.ts",
    find: "this.#publish(updates, authors.size === 1 ? author : undefined);",
    replace: "this.#publish(updates, author);",
  },
  {
    run: storm,
    bug: "of all who wait for an acknowledgement one gets it",
    file: "worker/sync/acknowledgements.ts",
    find: "for (const [session, frame] of this.#owed) acknowledge(session, frame);",
    replace: "for (const [session, frame] of [...this.#owed].slice(0, 1)) acknowledge(session, frame);",
  },
  {
    run: clocks,
    bug: "after the clock was set back a run waits for the old time",
    file: "worker/runtime/pacer.ts",
    find: "Math.min(this.#lastRun + interval - this.#clock.now(), interval)",
    replace: "this.#lastRun + interval - this.#clock.now()",
  },
  {
    run: clocks,
    bug: "each request starts a timer",
    file: "worker/runtime/pacer.ts",
    find: "else this.#timer ??= ",
    replace: "else this.#timer = ",
  },
  {
    run: clocks,
    bug: "a challenge ends by the clock",
    file: "worker/people/presence.ts",
    find: "const timer = this.#clock.setTimeout(() => this.#releaseToClaimants(holder, entry.clientId), CHALLENGE_MS);",
    replace: `const asked = this.#clock.now();
          const timer = this.#clock.setTimeout(() => {
            if (this.#clock.now() - asked >= CHALLENGE_MS) this.#releaseToClaimants(holder, entry.clientId);
          }, CHALLENGE_MS);`,
  },
  {
    run: clocks,
    bug: "an answered challenge keeps its timer",
    file: "worker/people/presence.ts",
    find: "this.#clock.clearTimeout(challenge.timer);",
    replace: "",
  },
  {
    run: wakes,
    bug: "who holds which client id is forgotten",
    file: "worker/people/presence.ts",
    find: "if (session.state.presence !== null) this.#holders.set(session.state.presence.clientId, session);",
    replace: "void session;",
  },
  {
    run: wakes,
    bug: "sockets that outlived the object are not known",
    file: "worker/sessions/sessions.ts",
    find: "else this.#bySocket.set(socket, session);",
    replace: "",
  },
  {
    run: wakes,
    bug: "presence is not kept in the attachment",
    file: "worker/sessions/sessions.ts",
    find: "else this.#save(session);",
    replace: "",
  },
  {
    run: wakes,
    bug: "a large presence state is not kept in its row",
    file: "worker/sessions/attachment.ts",
    find: "if (row !== null) store.savePresence(rowId, row);",
    replace: "if (row !== null) void rowId;",
  },
  {
    run: wakes,
    bug: "presence loads the document",
    file: "worker/room/dispatch.ts",
    find: "const taken = ",
    replace: "sync.applyPending().ensureLoaded(); const taken = ",
  },
  {
    run: pausedReader,
    bug: "a socket that was sent much is passed over from then on",
    file: "worker/sessions/session.ts",
    find: "      this.socket.send(data);",
    replace: `      this.sent = (this.sent ?? 0) + data.length;
      if (this.sent < 2_000_000) this.socket.send(data);`,
  },
  {
    run: pausedReader,
    bug: "what was overwritten stays in the document",
    file: "worker/document/document.ts",
    find: "    let doc = new Y.Doc();",
    replace: "    let doc = new Y.Doc({ gc: false });",
  },
  {
    run: churn,
    bug: "a closed socket's session stays",
    file: "worker/sessions/sessions.ts",
    find: "this.#bySocket.delete(socket);",
    replace: "",
  },
  {
    run: churn,
    bug: "a leaver's presence stays",
    file: "worker/room/door.ts",
    find: "presence.remove(session);",
    replace: "",
  },
  {
    run: churn,
    bug: "an echo of another's presence takes its id",
    file: "worker/people/presence.ts",
    find: "if (this.#isDenied(session, entry, holder)) return;",
    replace: "if (holder !== undefined) return this.#grant(session, entry);",
  },
];
