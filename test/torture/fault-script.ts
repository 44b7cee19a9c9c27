import { until } from "../support/until.ts";
import type { FaultSession } from "./fault-session.ts";

/** A step of the scripted session. What it waits for beyond its own calls, the session waits for after it. */
export interface Step {
  readonly name: string;
  readonly run: (session: FaultSession) => Promise<void> | void;
}

/** Above the size of a row. */
const LARGE_TEXT = 2_000_000;

function type(session: FaultSession, place: number, words: string): void {
  session.text = session.text.slice(0, place) + words + session.text.slice(place);
  session.ann.doc.getText("ann").insert(place, words);
}

function mark(session: FaultSession, who: "ann" | "bob", marker: string): void {
  session.markers.add(marker);
  session[who].doc.getArray("markers").push([marker]);
}

/** Bob removes a marker of his own, which he has whatever failed. */
function unmark(session: FaultSession, marker: string): void {
  session.markers.delete(marker);
  const list = session.bob.doc.getArray("markers");
  list.delete(list.toArray().indexOf(marker), 1);
}

/** The life of a room, from its first visit to the return of its people. @param large whether a record spans rows */
export function script(large: boolean): readonly Step[] {
  return [
    { name: "first visit", run: (session) => session.enter(session.ann) },
    { name: "first edit", run: (session) => type(session, 0, "Hello") },
    { name: "a stock client comes", run: (session) => session.enter(session.bob) },
    {
      name: "edits of two",
      run: (session) => {
        mark(session, "ann", "ann 1");
        mark(session, "bob", "bob 1");
        type(session, 5, ", world. ");
      },
    },
    {
      name: "a deletion",
      run: (session) => {
        session.text = session.text.slice(5);
        session.ann.doc.getText("ann").delete(0, 5);
      },
    },
    ...(large
      ? [{ name: "a large edit", run: (session: FaultSession) => type(session, 0, "x".repeat(LARGE_TEXT)) }]
      : []),
    { name: "a snapshot", run: (session) => session.rpc((room) => room.flush()).then(() => {}) },
    {
      name: "edits after it",
      run: (session) => {
        type(session, session.text.length, "More.");
        mark(session, "bob", "bob 2");
        mark(session, "bob", "bob 3");
        unmark(session, "bob 1");
      },
    },
    {
      name: "a presence state that needs a row",
      run: async (session) => {
        await session.enter(session.cleo);
        await session.settle();
        session.cleo.show({ selection: "s".repeat(13_000) });
        const { ann, cleo } = session;
        const isShown = () => ann.present.has(cleo.doc.clientID) || ann.closed !== null || cleo.closed !== null;
        await until(isShown, "presence", 20_000);
      },
    },
    {
      name: "eviction",
      // There may be no object to evict any more.
      run: (session) => session.evict().catch(() => {}),
    },
    { name: "a deletion after eviction", run: (session) => unmark(session, "bob 2") },
    { name: "a call that writes", run: (session) => session.applyFromBackend() },
    { name: "a call that reads", run: (session) => session.checkRead() },
    { name: "a snapshot that compacts", run: (session) => session.rpc((room) => room.flush()).then(() => {}) },
    { name: "eviction of all in memory", run: (session) => session.evict().catch(() => {}) },
    {
      name: "statistics of a sleeping room",
      run: (session) => session.rpc((room) => room.statistics()).then(() => {}),
    },
    {
      name: "a snapshot of a quiet room",
      run: async (session) => {
        type(session, 0, "y".repeat(large ? LARGE_TEXT / 2 + 100_000 : 40_000));
        await session.settle();
        await session.quietSnapshot();
      },
    },
    { name: "who has a presence row leaves", run: (session) => session.leave(session.cleo) },
    { name: "the stock client leaves", run: (session) => session.leave(session.bob) },
    { name: "an edit alone", run: (session) => type(session, 3, "alone") },
    { name: "the last client leaves", run: (session) => session.leave(session.ann) },
    {
      name: "return",
      run: async (session) => {
        await session.enter(session.bob);
        await session.enter(session.ann);
      },
    },
  ];
}
