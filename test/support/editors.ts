/** Editors of the whiteboard without a page: each on a board that holds a few shapes, with no connection. */
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { RoomProvider } from "../../client/index.ts";
import { Editor } from "../../whiteboard/editor/editor.ts";
import { Board } from "../../whiteboard/model/board.ts";
import type { Box } from "../../whiteboard/model/box.ts";
import { addShapes, type NewShape } from "../../whiteboard/model/commands.ts";
import { History } from "../../whiteboard/model/history.ts";
import type { Camera, Size } from "../../whiteboard/scene/camera.ts";
import { PERSON_COLORS, toWire } from "../../whiteboard/together/presence.ts";
import { NO_PREVIEW } from "../../whiteboard/tools/gesture.ts";

export const SIZE: Size = { width: 800, height: 600 };

/** 100 units on each side. */
export function square(x: number, y = 0): NewShape {
  return { kind: "rectangle", box: { x, y, w: 100, h: 100 }, color: "ink", size: 4, fill: false };
}

/** The beginning of a PNG file, as far as a board looks at it. */
export function png(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(100);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, 10);
  view.setUint32(20, 10);
  return bytes;
}

interface OpenOptions {
  readonly canEdit?: boolean;
  readonly camera?: Camera | null;
  readonly size?: Size;
}

const cleanups: (() => void)[] = [];

/** @param shapes of the board, from the lowest to the highest, added by somebody else: they are no undo step */
export function openEditor(shapes: readonly NewShape[] = [], options: OpenOptions = {}) {
  const doc = new Y.Doc();
  const provider = new RoomProvider("ws://room.test/rooms", "room", doc, { connect: false, disableBc: true });
  const board = new Board(doc);
  const ids = addShapes(board, shapes);
  const history = new History(board);
  const editor = new Editor({
    open: { board, history, provider },
    user: { name: "Ada", color: PERSON_COLORS[0] },
    canEdit: options.canEdit ?? true,
    isDark: false,
    camera: options.camera === undefined ? { x: 0, y: 0, zoom: 1 } : options.camera,
    style: { color: "ink", size: 4, fill: false },
    size: options.size ?? SIZE,
    measure: (line, fontSize) => (line.length * fontSize) / 2,
  });
  cleanups.push(() => {
    editor.destroy();
    history.destroy();
    board.destroy();
    provider.destroy();
    doc.destroy();
  });
  /** @returns how often the document changed */
  const changesBy = (action: () => void): number => {
    let changes = 0;
    const count = () => changes++;
    doc.on("update", count);
    action();
    doc.off("update", count);
    return changes;
  };
  return { editor, board, doc, history, ids, changesBy, awareness: provider.awareness };
}

export function destroyEditors(): void {
  for (const cleanup of cleanups.splice(0)) cleanup();
}

/** Somebody else on the board. @returns their client id, and how they leave */
export function joinOther(awareness: Awareness, name: string, view: Box): { clientId: number; leave: () => void } {
  const other = new Awareness(new Y.Doc());
  const user = { name, color: PERSON_COLORS[1] };
  const send = () => applyAwarenessUpdate(awareness, encodeAwarenessUpdate(other, [other.clientID]), "other");
  other.setLocalState(toWire({ user, cursor: null, selection: [], view, preview: NO_PREVIEW }));
  send();
  cleanups.push(() => other.destroy());
  return {
    clientId: other.clientID,
    leave: () => {
      other.setLocalState(null);
      send();
    },
  };
}
