import type { BoardReader } from "../model/board.ts";
import type { Point } from "../model/box.ts";
import { shapeAt } from "../scene/hit.ts";
import type { Teller } from "../together/teller.ts";
import { type Gesture, NO_PREVIEW, NOTHING, type Outcome, type PointerInput, type Preview } from "../tools/gesture.ts";
import { handleAt, handleCursor } from "../tools/handles.ts";
import { selectionBox } from "../tools/select.ts";
import { beginOf, placeBy } from "../tools/tools.ts";
import type { Drawing } from "./drawing.ts";
import type { Selection } from "./selection.ts";
import type { EditorStore } from "./state.ts";
import { Store } from "./store.ts";
import type { Viewport } from "./viewport.ts";
import type { Writing } from "./writing.ts";

/** Screen pixels beside a line that still hit it: a finger needs more than a mouse. */
const REACH = { mouse: 7, touch: 16 };

interface GesturesOptions {
  readonly store: EditorStore;
  readonly board: BoardReader;
  readonly viewport: Viewport;
  readonly selection: Selection;
  readonly writing: Writing;
  readonly drawing: Drawing;
  readonly teller: Teller;
}

/** The gesture that a pointer makes with the tool at hand, from `begin` to `finish`. All points are in world units. */
export class Gestures {
  readonly #store: EditorStore;
  readonly #board: BoardReader;
  readonly #viewport: Viewport;
  readonly #selection: Selection;
  readonly #writing: Writing;
  readonly #drawing: Drawing;
  readonly #teller: Teller;
  readonly #current = new Store<{ readonly gesture: Gesture | null }>({ gesture: null });
  /** The listener is called when the preview changed. @returns how to stop */
  readonly subscribe = this.#current.subscribe;
  #reach = REACH.mouse;

  constructor({ store, board, viewport, selection, writing, drawing, teller }: GesturesOptions) {
    this.#store = store;
    this.#board = board;
    this.#viewport = viewport;
    this.#selection = selection;
    this.#writing = writing;
    this.#drawing = drawing;
    this.#teller = teller;
  }

  get isBusy(): boolean {
    return this.#gesture !== null;
  }

  get preview(): Preview {
    return this.#gesture?.preview ?? NO_PREVIEW;
  }

  /** Begins a gesture of the tool at hand. @returns false for the hand, which moves the view alone */
  begin(input: PointerInput, isTouch: boolean): boolean {
    this.#writing.finish();
    this.#viewport.hold();
    this.#reach = isTouch ? REACH.touch : REACH.mouse;
    const { tool, selection, style } = this.#store.value;
    const begin = beginOf(tool);
    if (begin === null) return false;
    this.#goOn(begin(input, { shapes: this.#board.shapes, selection, style, reach: this.#worldReach }));
    return true;
  }

  /** Moves the cursor that the others see, and the gesture if there is one. */
  move(input: PointerInput): void {
    this.#teller.tell({ cursor: input.at });
    if (this.#gesture !== null) this.#goOn(this.#gesture.move(input));
  }

  /** Ends the gesture and carries out its outcome. */
  finish(): void {
    const outcome = this.#gesture?.finish() ?? NOTHING;
    this.#current.set({ gesture: null });
    this.#drawing.carryOut(outcome);
    this.#teller.tell({ preview: NO_PREVIEW });
  }

  /** Ends the gesture without its outcome. @returns the outcome that it would have had */
  cancel(): Outcome {
    if (this.#gesture === null) return NOTHING;
    const outcome = this.#gesture.finish();
    this.#current.set({ gesture: null });
    this.#teller.tell({ preview: NO_PREVIEW });
    return outcome;
  }

  /** Opens the field of the shape at a point, or begins a text there, as a double click does. */
  openAt(at: Point): void {
    const { tool, style } = this.#store.value;
    if (tool !== "select") return;
    const under = shapeAt(this.#board.shapes, at, this.#worldReach);
    if (under?.kind === "text" || under?.kind === "note") this.#writing.begin(under.id);
    else if (under === undefined) this.#drawing.carryOut(placeBy("text", at, style));
  }

  /** @returns the CSS cursor over a point */
  cursorAt(at: Point): string {
    const { tool, canEdit } = this.#store.value;
    if (tool === "hand") return "grab";
    if (tool !== "select") return tool === "text" ? "text" : "crosshair";
    if (!canEdit) return "default";
    const box = selectionBox(this.#selection.shapes);
    const handle = box === null ? null : handleAt(box, at, this.#worldReach * 1.5);
    if (handle !== null) return handleCursor(handle);
    return shapeAt(this.#board.shapes, at, this.#worldReach) === undefined ? "default" : "move";
  }

  get #gesture(): Gesture | null {
    return this.#current.value.gesture;
  }

  get #worldReach(): number {
    return this.#reach / this.#store.value.camera.zoom;
  }

  #goOn(gesture: Gesture): void {
    this.#current.set({ gesture });
    if (gesture.selection !== null) this.#selection.select(gesture.selection);
    this.#teller.tell({ preview: gesture.preview });
  }
}
