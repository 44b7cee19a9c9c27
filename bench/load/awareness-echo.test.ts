import * as encoding from "lib0/encoding";
import { expect, it } from "vitest";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { AwarenessEcho } from "./awareness-echo.ts";
import { clientIdOf } from "./updates.ts";

function awarenessOf(client: number): Awareness {
  const doc = new Y.Doc();
  doc.clientID = client;
  return new Awareness(doc);
}

it("sends on what a stock client does, message by message", () => {
  const others = [1, 2].map((index) => awarenessOf(clientIdOf(index)));
  for (const other of others) other.setLocalState({ step: "none" });
  const stock = awarenessOf(clientIdOf(0));
  const echoed: Buffer[] = [];
  const frame = (payload: Uint8Array) =>
    Buffer.from(
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, 1);
        encoding.writeVarUint8Array(encoder, payload);
      }),
    );
  // As y-websocket's provider listens.
  stock.on("update", ({ added, updated, removed }: Record<"added" | "updated" | "removed", number[]>) => {
    echoed.push(frame(encodeAwarenessUpdate(stock, [...added, ...updated, ...removed])));
  });
  const echo = new AwarenessEcho(Buffer.alloc(0), 0);
  const own = encodeAwarenessUpdate(stock, [clientIdOf(0)]);
  const seen: Uint8Array[] = [own];
  for (let step = 0; step < 20; step++) {
    const moved = others[step % 2];
    if (moved === undefined) throw new Error("nobody is there");
    moved.setLocalState({ step });
    const both = awarenessOf(9);
    for (const other of others) applyAwarenessUpdate(both, encodeAwarenessUpdate(other, [other.clientID]), null);
    seen.push(encodeAwarenessUpdate(both, step % 3 === 0 ? others.map(({ clientID }) => clientID) : [moved.clientID]));
    both.destroy();
  }
  for (const update of [...seen, ...seen]) {
    echoed.length = 0;
    applyAwarenessUpdate(stock, update, "socket");
    expect(echo.of(frame(update))).toEqual(echoed[0]);
  }
  for (const awareness of [...others, stock]) awareness.destroy();
});
