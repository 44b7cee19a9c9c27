import * as Y from "yjs";
import { RoomDocument } from "../../worker/document.ts";
import { applyAsRoom, docOf, sameHistory } from "./histories.ts";
const windows = process.argv.slice(2);
const emitted: Uint8Array[] = [];
const d = new RoomDocument({ read: () => ({ snapshot: null, updates: emitted }), unreadable: (c) => console.log("UNREADABLE", c), maxBytes: 1e7 });
const mirror = new Y.Doc();
const show = (doc: Y.Doc) => JSON.stringify([...doc.store.clients].map(([c, s]) => [c, s.map((x) => x.constructor.name + x.id.clock + "+" + x.length + (x.deleted ? "D" : ""))])) ;
const authors = [{}, {}, {}];
for (const w of windows) {
  const edits = w.split(" ").map((e) => { const [h, b] = e.split(":"); return { author: authors[Number(h[0])]!, whole: h.includes("w"), denied: h.includes("d") ? "forbidden" as const : null, update: new Uint8Array(Buffer.from(b, "hex")) }; });
  const r = d.apply(edits);
  console.log(r.outcomes.map((o) => o.kind + ("refusal" in o ? o.refusal.message + (o.refusal.cause as Error)?.cause : "")), r.taints, r.updates.map((u) => Buffer.from(u).toString("hex")));
  emitted.push(...r.updates);
  for (const u of r.updates) applyAsRoom(mirror, u);
  const fresh = docOf(d.encode());
  console.log("same", sameHistory(fresh, mirror), mirror.store.pendingStructs, mirror.store.pendingDs);
  console.log("fresh ", show(fresh)); console.log("mirror", show(mirror));
}
