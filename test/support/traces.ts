import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import * as Y from "yjs";

/**
 * Recordings of people typing, from https://github.com/josephg/editing-traces (CC BY 4.0). They are kept beside the
 * project, not in it; `TRACES` names another folder.
 */
const FOLDER = resolve(process.env.TRACES ?? "../shared/data");

/** The update that changes nothing. */
const NOTHING = new Uint8Array([0, 0]);

type Patch = [position: number, deleted: number, inserted: string];

interface SequentialTrace {
  readonly startContent: string;
  readonly endContent: string;
  readonly txns: readonly { readonly patches: readonly Patch[] }[];
}

interface ConcurrentTrace {
  readonly endContent: string;
  readonly txns: readonly {
    readonly agent: 0 | 1;
    readonly parents: readonly number[];
    readonly patches: readonly Patch[];
  }[];
}

/** The path of a trace, and whether the file is there. */
export function traceFile(name: string): { path: string; exists: boolean } {
  const path = join(FOLDER, `${name}.json.gz`);
  return { path, exists: existsSync(path) };
}

function read(name: string): unknown {
  const { path, exists } = traceFile(name);
  if (!exists) throw new Error(`the editing trace ${path} is absent; set TRACES to the folder that has it`);
  return JSON.parse(gunzipSync(readFileSync(path)).toString());
}

function applyPatches(text: Y.Text, patches: readonly Patch[]): void {
  for (const [position, deleted, inserted] of patches) {
    if (deleted > 0) text.delete(position, deleted);
    if (inserted.length > 0) text.insert(position, inserted);
  }
}

/** A sequential trace as Yjs updates, one per transaction. */
export function sequentialUpdates(name: string): { updates: Uint8Array[]; endContent: string } {
  const trace = read(name) as SequentialTrace;
  const doc = new Y.Doc();
  const text = doc.getText("text");
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  if (trace.startContent !== "") text.insert(0, trace.startContent);
  for (const { patches } of trace.txns) doc.transact(() => applyPatches(text, patches));
  if (text.toString() !== trace.endContent) throw new Error(`${name} does not replay to its end content`);
  return { updates, endContent: trace.endContent };
}

/** One author's edit and what its author had received before. */
export interface ConcurrentEdit {
  readonly agent: 0 | 1;
  readonly update: Uint8Array;
  /** Updates of the other author that were there. */
  readonly received: number;
}

/** A concurrent trace as Yjs updates of two authors, each made knowing just what the recording says. */
export function concurrentUpdates(name: string): { edits: ConcurrentEdit[]; endContent: string } {
  const trace = read(name) as ConcurrentTrace;
  // The lower client id goes to agent 0, since ties between concurrent insertions fall by it.
  const docs = [1, 2].map((clientID) => Object.assign(new Y.Doc(), { clientID }));
  let emitted: Uint8Array = NOTHING;
  for (const doc of docs) {
    doc.on("update", (update: Uint8Array) => {
      emitted = update;
    });
  }
  const made: Uint8Array[][] = [[], []];
  const received = [0, 0];
  const order: number[] = [];
  const edits: ConcurrentEdit[] = [];
  for (const { agent, parents, patches } of trace.txns) {
    const other = agent === 0 ? 1 : 0;
    const [doc, own, others] = [docs[agent], made[agent], made[other]];
    if (doc === undefined || own === undefined || others === undefined) throw new Error("two agents");
    for (const parent of parents) {
      if (trace.txns[parent]?.agent === agent) continue;
      const needed = (order[parent] ?? 0) + 1;
      for (const update of others.slice(received[agent], needed)) Y.applyUpdate(doc, update);
      received[agent] = Math.max(received[agent] ?? 0, needed);
    }
    emitted = NOTHING;
    doc.transact(() => applyPatches(doc.getText("text"), patches));
    order.push(own.length);
    own.push(emitted);
    edits.push({ agent, update: emitted, received: received[agent] ?? 0 });
  }
  return { edits, endContent: trace.endContent };
}
