import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { Board, VERSION } from "./board.ts";
import { shiftBy } from "./box.ts";
import { shapesFromText, shapesToText } from "./clipboard.ts";
import {
  addShapes,
  duplicateShapes,
  type NewShape,
  recolor,
  removeShapes,
  restack,
  transformShapes,
  writeText,
} from "./commands.ts";
import { History } from "./history.ts";
import { storeImage } from "./images.ts";
import { packInk } from "./ink.ts";
import { ALL_IMAGES_BYTES, IMAGE_BYTES, SHAPES } from "./limits.ts";

const rectangle: NewShape = {
  kind: "rectangle",
  box: { x: 0, y: 0, w: 10, h: 10 },
  color: "ink",
  size: 4,
  fill: false,
};
const stroke: NewShape = {
  kind: "stroke",
  color: "red",
  size: 4,
  ...packInk([
    { x: 5, y: 5 },
    { x: 9, y: 7 },
  ]),
};
const note: NewShape = { kind: "note", box: { x: 0, y: 0, w: 200, h: 200 }, color: "yellow", text: "" };

/** Boards whose documents say everything to each other at once. */
function pair(): [Board, Board] {
  const [one, other] = [new Y.Doc(), new Y.Doc()];
  one.on("update", (update: Uint8Array, origin: unknown) => origin !== "peer" && Y.applyUpdate(other, update, "peer"));
  other.on("update", (update: Uint8Array, origin: unknown) => origin !== "peer" && Y.applyUpdate(one, update, "peer"));
  return [new Board(one), new Board(other)];
}

/** The beginning of a PNG file, as far as it is looked at. */
function png(size: number, side = 10): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const view = new DataView(bytes.buffer);
  view.setUint32(16, side);
  view.setUint32(20, side);
  bytes[size - 1] = size % 251;
  return bytes;
}

describe("a board", () => {
  it("opening a document writes nothing; the first shape writes the version", () => {
    const doc = new Y.Doc();
    const board = new Board(doc);
    expect(Y.encodeStateVector(doc)).toEqual(new Uint8Array([0]));
    addShapes(board, [rectangle]);
    expect(board.meta.get("version")).toBe(VERSION);
  });

  it("a stroke is one entry of its map, and a move leaves it as it is", () => {
    const [one, other] = pair();
    const [id = ""] = addShapes(one, [stroke]);
    expect([...(other.maps.get(id)?.keys() ?? [])]).toEqual(["shape"]);
    const born = other.maps.get(id)?.get("shape");
    let written = 0;
    other.doc.on("update", (update: Uint8Array) => {
      written += update.length;
    });
    transformShapes(one, [id], shiftBy(7, -3));
    expect(other.maps.get(id)?.get("shape")).toBe(born);
    expect(other.shape(id)?.box).toMatchObject({ x: 12, y: 2 });
    expect(written).toBeLessThan(100);
  });

  it("a move and a colour of two people at the same time are both kept", () => {
    const [one, other] = [new Board(new Y.Doc()), new Board(new Y.Doc())];
    const [id = ""] = addShapes(one, [rectangle]);
    Y.applyUpdate(other.doc, Y.encodeStateAsUpdate(one.doc));
    transformShapes(one, [id], shiftBy(50, 0));
    recolor(other, [id], "blue");
    Y.applyUpdate(other.doc, Y.encodeStateAsUpdate(one.doc));
    Y.applyUpdate(one.doc, Y.encodeStateAsUpdate(other.doc));
    for (const board of [one, other]) expect(board.shape(id)).toMatchObject({ color: "blue", box: { x: 50 } });
  });

  it("is the same on both sides whatever is done, in whatever order it arrives", () => {
    const command = fc.record({
      kind: fc.integer({ min: 0, max: 6 }),
      who: fc.boolean(),
      which: fc.nat(20),
      sync: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const boards = [new Board(new Y.Doc()), new Board(new Y.Doc())] as const;
        const exchange = () => {
          const states = boards.map(({ doc }) => Y.encodeStateAsUpdate(doc));
          for (const [index, { doc }] of boards.entries()) Y.applyUpdate(doc, states[1 - index] ?? new Uint8Array());
        };
        for (const { kind, who, which, sync } of commands) {
          const board = boards[who ? 0 : 1];
          const { shapes } = board;
          const id = shapes[which % Math.max(1, shapes.length)]?.id ?? "none";
          if (kind === 0) addShapes(board, [rectangle, stroke]);
          if (kind === 1) addShapes(board, [note]);
          if (kind === 2) transformShapes(board, [id], { sx: 1.5, sy: 0.5, dx: which, dy: -which });
          if (kind === 3) restack(board, new Set([id]), which % 2 === 0 ? "front" : "back");
          if (kind === 4) removeShapes(board, [id]);
          if (kind === 5) duplicateShapes(board, new Set([id]), shiftBy(10, 10));
          if (kind === 6) writeText(board, id, `text ${which}`);
          if (sync) exchange();
        }
        exchange();
        expect(boards[1].shapes).toEqual(boards[0].shapes);
        // What was kept up with is what is read anew.
        expect(new Board(boards[0].doc).shapes).toEqual(boards[0].shapes);
      }),
      { numRuns: 60 },
    );
  });

  it("whatever stands in the document, a good shape beside it is shown", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything({ withBigInt: false })), fc.anything(), (fields, value) => {
        const board = new Board(new Y.Doc());
        const [id = ""] = addShapes(board, [rectangle]);
        try {
          const map = new Y.Map<unknown>();
          map.set("shape", { kind: "rectangle", ...fields });
          board.maps.set("hostile", map);
          board.maps.set("worse", value as Y.Map<unknown>);
        } catch {
          // What Yjs can't hold can't arrive either.
        }
        expect(board.shape(id)).toBeDefined();
        expect(new Board(board.doc).shape(id)).toBeDefined();
        addShapes(board, [rectangle]);
      }),
    );
  });

  it("a board of a newer version is shown, and not edited", () => {
    const board = new Board(new Y.Doc());
    const [id = ""] = addShapes(board, [rectangle]);
    board.meta.set("version", VERSION + 1);
    removeShapes(board, [id]);
    addShapes(board, [rectangle]);
    expect(board.shapes.map((shape) => shape.id)).toEqual([id]);
  });

  it("reads no more shapes than it can show", () => {
    const board = new Board(new Y.Doc());
    addShapes(
      board,
      Array.from({ length: SHAPES + 10 }, () => rectangle),
    );
    expect(board.shapes).toHaveLength(SHAPES);
  });
});

describe("the history", () => {
  it("undoes one's own steps only, each as a whole", () => {
    const [one, other] = pair();
    const history = new History(one);
    const step = (change: () => void) => {
      history.step();
      change();
      history.step();
    };
    let ids: string[] = [];
    step(() => {
      ids = addShapes(one, [rectangle, stroke, note]);
    });
    const [theirs = ""] = addShapes(other, [rectangle]);
    step(() => transformShapes(one, [...ids, theirs], shiftBy(5, 5)));
    recolor(other, ids, "green");
    history.undo();
    expect(one.shapes.map(({ box }) => box.x)).toEqual([0, 5, 0, 0]);
    expect(other.shape(ids[0] ?? "")?.color).toBe("green");
    history.undo();
    expect(other.shapes.map(({ id }) => id)).toEqual([theirs]);
    expect(history.canUndo).toBe(false);
    history.redo();
    expect(other.shapes).toHaveLength(4);
  });

  it("writing in one text is one step", () => {
    const board = new Board(new Y.Doc());
    const history = new History(board);
    const [id = ""] = addShapes(board, [note]);
    history.step();
    for (const text of ["h", "he", "hel", "hell", "hello"]) writeText(board, id, text);
    history.step();
    history.undo();
    expect(board.shape(id)).toMatchObject({ text: "" });
  });
});

describe("images", () => {
  it("are stored once, whoever stores them, and bounded one by one and all together", () => {
    const board = new Board(new Y.Doc());
    const first = storeImage(board, png(1_000));
    expect(first).toMatchObject({ type: "stored" });
    const before = Y.encodeStateVector(board.doc);
    expect(storeImage(board, png(1_000))).toEqual(first);
    expect(Y.encodeStateVector(board.doc)).toEqual(before);
    expect(storeImage(board, png(IMAGE_BYTES + 1))).toEqual({ type: "too-large" });
    expect(storeImage(board, new TextEncoder().encode("<svg onload=alert(1)>"))).toEqual({ type: "too-large" });
    expect(storeImage(board, png(1_000, 50_000))).toEqual({ type: "too-large" });
  });

  it("when there is no room left, those that no shape shows make room", () => {
    const board = new Board(new Y.Doc());
    const shown = storeImage(board, png(900_000));
    if (shown.type !== "stored") throw new Error("not stored");
    addShapes(board, [{ kind: "image", box: { x: 0, y: 0, w: 1, h: 1 }, color: "ink", image: shown.image }]);
    for (let size = 900_001; size < 900_004; size++) expect(storeImage(board, png(size)).type).toBe("stored");
    expect(ALL_IMAGES_BYTES).toBeLessThan(5 * 900_000);
    const last = storeImage(board, png(900_010));
    expect(last.type).toBe("stored");
    expect(board.images.size).toBe(2);
    expect(board.images.has(shown.image)).toBe(true);
  });
});

it("what is copied as text is the same shapes, with their images, on another board; other text is none", () => {
  const [board, elsewhere] = [new Board(new Y.Doc()), new Board(new Y.Doc())];
  const stored = storeImage(board, png(500));
  if (stored.type !== "stored") throw new Error("not stored");
  addShapes(board, [
    stroke,
    { ...note, text: "hello" },
    { kind: "image", box: { x: 0, y: 0, w: 5, h: 5 }, color: "ink", image: stored.image },
  ]);
  const copied = shapesToText(board.shapes, board);
  addShapes(elsewhere, shapesFromText(copied, elsewhere) ?? []);
  const plain = ({ shapes }: Board) => shapes.map(({ id: _id, order: _order, ...rest }) => rest);
  expect(plain(elsewhere)).toEqual(plain(board));
  expect(elsewhere.images.get(stored.image)).toEqual(png(500));
  for (const text of ["", "hello", "{", copied.slice(0, -5), '{"format":"roomful-whiteboard/1","shapes":7}']) {
    expect(shapesFromText(text, board)).toBeNull();
  }
});
