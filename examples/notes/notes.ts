/**
 * The smallest app: one shared text in a `textarea`, a "Saved" light, and how many are here.
 *
 *     npm start
 *     npx esbuild examples/notes/notes.ts --bundle --format=esm --outdir=examples/notes --servedir=examples/notes
 *
 * Then open http://localhost:8000/notes.html twice. (An editor is bound better by y-codemirror.next or y-prosemirror: this
 * one replaces what differs, and lets the cursor jump.)
 */
import * as Y from "yjs";
import { RoomProvider } from "../../client/index.ts";

const doc = new Y.Doc();
const text = doc.getText("text");
const room = new URLSearchParams(location.search).get("room") ?? "notes/example";
const provider = new RoomProvider("ws://localhost:8787/rooms", room, doc);

const area = document.querySelector("textarea");
const light = document.querySelector("#saved");
const present = document.querySelector("#present");
if (area === null || light === null || present === null) throw new Error("the page lacks an element");

provider.on("sync", (isSynced) => {
  if (isSynced) area.disabled = false;
});
provider.on("saved-state", ({ state, unsaved }) => {
  light.textContent = unsaved === 0 ? state : `${state} (${unsaved})`;
});
provider.awareness.on("change", () => {
  present.textContent = `${provider.awareness.getStates().size}`;
});
text.observe(() => {
  if (area.value !== text.toString()) area.value = text.toString();
});
area.addEventListener("input", () => replace(text, area.value));

/** Changes a text into another by one deletion and one insertion, so that others' edits around them survive. */
function replace(shared: Y.Text, wanted: string): void {
  const current = shared.toString();
  const shorter = Math.min(current.length, wanted.length);
  let start = 0;
  while (start < shorter && current[start] === wanted[start]) start++;
  let end = 0;
  while (end < shorter - start && current.at(-1 - end) === wanted.at(-1 - end)) end++;
  doc.transact(() => {
    shared.delete(start, current.length - end - start);
    shared.insert(start, wanted.slice(start, wanted.length - end));
  });
}
