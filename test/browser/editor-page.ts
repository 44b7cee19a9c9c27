/** A page with an editor, bound to a room by an unmodified binding. What it shows is decided by its query. */
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { baseKeymap } from "prosemirror-commands";
import { keymap as keymapPlugin } from "prosemirror-keymap";
import { schema } from "prosemirror-schema-basic";
import { EditorState as RichEditorState } from "prosemirror-state";
import { EditorView as RichEditorView } from "prosemirror-view";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import { redo, undo, yCursorPlugin, ySyncPlugin, yUndoPlugin } from "y-prosemirror";
import * as Y from "yjs";
import { type Problem, RoomProvider, type SavedState } from "../../client/index.ts";

/** Ways in which a browser keeps nothing. */
const BROKEN_STORAGE: Readonly<Record<string, () => void>> = {
  refused: () => {
    indexedDB.open = () => {
      throw new DOMException("refused", "SecurityError");
    };
  },
  failing: () => {
    // As in a private window of some browsers: the request itself fails.
    indexedDB.open = () => {
      const request = new EventTarget() as IDBOpenDBRequest;
      Object.defineProperty(request, "error", { value: new DOMException("failing", "UnknownError") });
      setTimeout(() => {
        request.onerror?.(new Event("error"));
        request.dispatchEvent(new Event("error"));
      });
      return request;
    };
  },
};

function bindCodeMirror(parent: Element, doc: Y.Doc, { awareness }: RoomProvider): void {
  const text = doc.getText("codemirror");
  const undoManager = new Y.UndoManager(text);
  const state = EditorState.create({
    doc: text.toString(),
    extensions: [keymap.of(yUndoManagerKeymap), yCollab(text, awareness, { undoManager })],
  });
  new EditorView({ state, parent });
}

function bindProseMirror(parent: Element, doc: Y.Doc, { awareness }: RoomProvider): void {
  const plugins = [
    ySyncPlugin(doc.getXmlFragment("prosemirror")),
    yCursorPlugin(awareness),
    yUndoPlugin(),
    keymapPlugin({ "Mod-z": undo, "Mod-y": redo }),
    keymapPlugin(baseKeymap),
  ];
  new RichEditorView(parent, { state: RichEditorState.create({ schema, plugins }) });
}

/** What the bindings' documentation asks for: without it spaces and cursors are laid out wrongly. */
const STYLE = `
.ProseMirror { position: relative; white-space: pre-wrap; }
.ProseMirror-yjs-cursor { position: relative; margin: 0 -1px; border-left: 1px solid; border-right: 1px solid; }
.ProseMirror-yjs-cursor > div { position: absolute; top: -1em; left: -1px; white-space: nowrap; }
`;

const query = new URLSearchParams(location.search);
const ask = (name: string) => query.get(name) ?? "";
BROKEN_STORAGE[ask("storage")]?.();

const doc = new Y.Doc();
const provider = new RoomProvider(ask("url"), ask("room"), doc, {
  offline: query.has("offline"),
  disableBc: !query.has("tabs"),
});
const problems: Problem["source"][] = [];
const states: SavedState[] = [];
provider.on("problem", ({ source }) => problems.push(source));
provider.on("saved-state", (state) => states.push(state));
provider.awareness.setLocalStateField("user", { name: ask("name"), color: "#3366cc", colorLight: "#3366cc44" });

const app = document.querySelector("#app");
if (app === null) throw new Error("no element");
document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
if (ask("editor") === "prosemirror") bindProseMirror(app, doc, provider);
else bindCodeMirror(app, doc, provider);

const api = { provider, problems, states };
export type EditorPageApi = typeof api;
Object.assign(globalThis, { editor: api });
