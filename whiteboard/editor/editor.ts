import { type Box, centreOf, overlap, type Point, shiftBy, unionOf, upright } from "../model/box.ts";
import {
  addShapes,
  duplicateShapes,
  type NewShape,
  recolor,
  removeShapes,
  resizeStroke,
  restack,
  setFill,
  transformShapes,
  writeText,
} from "../model/commands.ts";
import type { Shape } from "../model/shape.ts";
import { type Camera, fitted, panned, toWorld, viewOf, zoomed } from "../scene/camera.ts";
import { boundsOf } from "../scene/figure.ts";
import { shapeAt } from "../scene/hit.ts";
import { textSize } from "../scene/text.ts";
import { DARK, LIGHT, type Theme } from "../scene/theme.ts";
import { glideBox } from "../together/glide.ts";
import { People } from "../together/people.ts";
import type { User } from "../together/presence.ts";
import type { OpenBoard } from "../together/session.ts";
import { Teller } from "../together/teller.ts";
import { type Gesture, NO_PREVIEW, type Outcome, type PointerInput, type Style } from "../tools/gesture.ts";
import { handleAt, handleCursor } from "../tools/handles.ts";
import { selectionBox } from "../tools/select.ts";
import { beginOf, placeBy, type Tool } from "../tools/tools.ts";
import { Bitmaps } from "./bitmaps.ts";
import { createMeasure } from "./measure.ts";
import { Store } from "./store.ts";
import { type Shown, type Surfaces, View } from "./view.ts";
import { countOf, describeShape, TOOL_NAMES } from "./words.ts";

/** What the page around the canvas shows. */
export interface EditorState {
  readonly tool: Tool;
  readonly style: Style;
  readonly selection: ReadonlySet<string>;
  /** The shape whose text is being written. */
  readonly writing: string | null;
  readonly camera: Camera;
  /** Whose view this page follows. */
  readonly following: number | null;
  readonly canEdit: boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** For a screen reader. */
  readonly announcement: string;
  /** Something that went wrong, in words. */
  readonly notice: string | null;
}

interface EditorOptions {
  readonly open: OpenBoard;
  readonly surfaces: Surfaces;
  readonly user: User;
  readonly canEdit: boolean;
  readonly isDark: boolean;
  /** Where somebody looked before; else the middle of the board. */
  readonly camera: Camera | null;
  readonly style: Style;
}

/** Screen pixels beside a line that still hit it: a finger needs more than a mouse. */
const REACH = { mouse: 7, touch: 16 };

/** One person's work on a board: what is selected, which tool is at hand, what is in view. */
export class Editor {
  readonly open: OpenBoard;
  readonly people: People;
  readonly teller: Teller;
  readonly store: Store<EditorState>;
  readonly view: View;
  readonly bitmaps: Bitmaps;
  readonly #measure = createMeasure();
  readonly #stops: (() => void)[];
  #theme: Theme;
  #gesture: Gesture | null = null;
  #reach = REACH.mouse;
  /** The tool at hand when the right to edit was taken, for when it is given back. */
  #toolToEdit: Tool = "pen";
  /** Whether the view is where somebody put it. */
  #isPlaced: boolean;

  constructor({ open, surfaces, user, canEdit, isDark, camera, style }: EditorOptions) {
    this.open = open;
    this.#theme = isDark ? DARK : LIGHT;
    this.#isPlaced = camera !== null;
    const { board, history, provider } = open;
    this.people = new People(provider.awareness);
    this.teller = new Teller(provider.awareness, user);
    this.store = new Store<EditorState>({
      tool: canEdit ? "pen" : "hand",
      style,
      selection: new Set(),
      writing: null,
      camera: camera ?? { x: -surfaces.area.clientWidth / 2, y: -surfaces.area.clientHeight / 2, zoom: 1 },
      following: null,
      canEdit,
      canUndo: history.canUndo,
      canRedo: history.canRedo,
      announcement: "",
      notice: null,
    });
    this.bitmaps = new Bitmaps(board, (image) => {
      for (const shape of board.shapes)
        if (shape.kind === "image" && shape.image === image) this.view.repaintShape(shape.id);
    });
    this.view = new View({
      surfaces,
      board,
      people: this.people,
      shown: (milliseconds) => this.#shown(milliseconds),
      resized: () => this.#tellView(),
    });
    this.#stops = [
      history.subscribe(() => this.store.set({ canUndo: history.canUndo, canRedo: history.canRedo })),
      board.subscribe(() => this.#boardChanged()),
      this.people.subscribe(() => this.#peopleChanged()),
      this.store.subscribe(() => this.view.request()),
    ];
    this.#showAll();
    void this.#loadFont();
  }

  get state(): EditorState {
    return this.store.value;
  }

  get theme(): Theme {
    return this.#theme;
  }

  get selected(): readonly Shape[] {
    const { selection } = this.state;
    return this.open.board.shapes.filter(({ id }) => selection.has(id));
  }

  get measure() {
    return this.#measure.measure;
  }

  destroy(): void {
    for (const stop of this.#stops) stop();
    this.view.destroy();
    this.bitmaps.destroy();
    this.teller.destroy();
    this.people.destroy();
  }

  // What the page sets.

  setTheme(isDark: boolean): void {
    this.#theme = isDark ? DARK : LIGHT;
    this.view.repaint();
  }

  setUser(user: User): void {
    this.teller.tellNow({ user });
  }

  /** @returns what was being drawn when the right to was taken */
  setCanEdit(canEdit: boolean): NewShape | null {
    if (canEdit === this.state.canEdit) return null;
    const outcome = this.#gesture?.finish();
    this.cancelGesture();
    if (canEdit) this.store.set({ canEdit, tool: this.#toolToEdit });
    else {
      this.#toolToEdit = this.state.tool;
      this.store.set({ canEdit, tool: "hand", writing: null });
    }
    return !canEdit && outcome?.type === "add" ? outcome.shape : null;
  }

  setTool(tool: Tool): void {
    if (!this.state.canEdit && tool !== "select" && tool !== "hand") return;
    this.finishWriting();
    this.cancelGesture();
    this.store.set({ tool, announcement: TOOL_NAMES[tool] });
    if (tool !== "select") this.select([]);
  }

  setStyle(style: Partial<Style>): void {
    this.store.set({ style: { ...this.state.style, ...style } });
    const ids = this.state.selection;
    if (ids.size === 0) return;
    this.#step((board) => {
      if (style.color !== undefined) recolor(board, ids, style.color);
      if (style.size !== undefined) resizeStroke(board, ids, style.size);
      if (style.fill !== undefined) setFill(board, ids, style.fill);
    });
  }

  notify(notice: string | null): void {
    this.store.set({ notice, ...(notice !== null && { announcement: notice }) });
  }

  announce(announcement: string): void {
    this.store.set({ announcement });
  }

  // The view.

  /** @param at a point on the screen */
  toWorld(at: Point): Point {
    return toWorld(this.state.camera, at);
  }

  get middle(): Point {
    return centreOf(viewOf(this.state.camera, this.view.size));
  }

  pan(by: Point): void {
    this.look(panned(this.state.camera, by));
  }

  zoom(factor: number, at: Point = { x: this.view.size.width / 2, y: this.view.size.height / 2 }): void {
    this.look(zoomed(this.state.camera, factor, at));
  }

  look(camera: Camera): void {
    this.#isPlaced = true;
    this.store.set({ camera, following: null });
    this.#tellView();
  }

  fit(): void {
    const box = unionOf(this.open.board.shapes.map(boundsOf));
    if (box !== null) this.look(fitted(box, this.view.size));
  }

  follow(clientId: number | null): void {
    const person = clientId === null ? undefined : this.people.get(clientId);
    this.#isPlaced = true;
    this.store.set({
      following: person === undefined ? null : clientId,
      announcement: person === undefined ? "" : `Following ${person.user.name}`,
    });
  }

  // What a pointer does.

  /** @returns whether a gesture began */
  down(input: PointerInput, isTouch: boolean): boolean {
    this.finishWriting();
    this.#isPlaced = true;
    this.store.set({ following: null });
    this.#reach = isTouch ? REACH.touch : REACH.mouse;
    const begin = beginOf(this.state.tool);
    if (begin === null || (!this.state.canEdit && this.state.tool !== "select")) return false;
    const { selection, style } = this.state;
    this.#go(begin(input, { shapes: this.open.board.shapes, selection, style, reach: this.#worldReach }));
    return true;
  }

  move(input: PointerInput): void {
    this.teller.tell({ cursor: input.at });
    if (this.#gesture !== null) this.#go(this.#gesture.move(input));
  }

  up(): void {
    const outcome = this.#gesture?.finish();
    this.#gesture = null;
    if (outcome !== undefined && (this.state.canEdit || outcome.type === "select")) this.#carryOut(outcome);
    // After the document: nobody sees a moment without the shape.
    this.teller.tell({ preview: NO_PREVIEW });
    this.view.request();
  }

  cancelGesture(): void {
    if (this.#gesture === null) return;
    this.#gesture = null;
    this.teller.tell({ preview: NO_PREVIEW });
    this.view.request();
  }

  get isBusy(): boolean {
    return this.#gesture !== null;
  }

  /** What the mouse cursor should be over a point. */
  cursorAt(at: Point): string {
    const { tool, canEdit } = this.state;
    if (tool === "hand") return "grab";
    if (tool !== "select") return tool === "text" ? "text" : "crosshair";
    if (!canEdit) return "default";
    const box = selectionBox(this.selected);
    const handle = box === null ? null : handleAt(box, at, this.#worldReach * 1.5);
    if (handle !== null) return handleCursor(handle);
    return shapeAt(this.open.board.shapes, at, this.#worldReach) === undefined ? "default" : "move";
  }

  /** A double click writes in what is there, or begins a text. */
  openAt(at: Point): void {
    if (!this.state.canEdit || this.state.tool !== "select") return;
    const under = shapeAt(this.open.board.shapes, at, this.#worldReach);
    if (under?.kind === "text" || under?.kind === "note") this.write(under.id);
    else if (under === undefined) this.#carryOut(placeBy("text", at, this.state.style));
  }

  // The selection, and what is done with it.

  select(ids: Iterable<string>): void {
    const selection = new Set([...ids].filter((id) => this.open.board.shape(id) !== undefined));
    const before = this.state.selection;
    if (selection.size === before.size && [...selection].every((id) => before.has(id))) return;
    this.store.set({ selection });
    this.teller.tell({ selection: [...selection] });
  }

  selectAll(): void {
    this.store.set({ tool: "select" });
    this.select(this.open.board.shapes.map(({ id }) => id));
    this.announce(`${countOf(this.state.selection.size)} selected`);
  }

  /** @returns false behind the last shape, so that the focus can go on */
  selectNext(step: 1 | -1): boolean {
    const { shapes } = this.open.board;
    const place = shapes.findIndex(({ id }) => this.state.selection.has(id));
    const next = place === -1 ? (step === 1 ? 0 : shapes.length - 1) : place + step;
    const shape = shapes[next];
    this.store.set({ tool: "select" });
    this.select(shape === undefined ? [] : [shape.id]);
    if (shape === undefined) return false;
    this.announce(`${describeShape(shape)}, ${next + 1} of ${shapes.length}`);
    if (!overlap(boundsOf(shape), viewOf(this.state.camera, this.view.size))) {
      const centre = centreOf(upright(shape.box));
      const { w, h } = viewOf(this.state.camera, this.view.size);
      this.look({ ...this.state.camera, x: centre.x - w / 2, y: centre.y - h / 2 });
    }
    return true;
  }

  nudge(dx: number, dy: number): void {
    const ids = this.state.selection;
    if (ids.size > 0) this.#step((board) => transformShapes(board, ids, shiftBy(dx, dy)));
  }

  remove(): void {
    const ids = this.state.selection;
    if (ids.size === 0 || !this.state.canEdit) return;
    this.#step((board) => removeShapes(board, ids));
    this.announce(`${countOf(ids.size)} deleted`);
  }

  duplicate(): void {
    const ids = this.state.selection;
    if (ids.size > 0) this.#step((board) => this.select(duplicateShapes(board, ids, shiftBy(24, 24))));
  }

  restack(where: "front" | "back"): void {
    this.#step((board) => restack(board, this.state.selection, where));
  }

  /** Puts down what the tool makes, in the middle of the view: the keyboard's way to draw. */
  place(): void {
    if (this.state.canEdit) this.#carryOut(placeBy(this.state.tool, this.middle, this.state.style));
  }

  /** Adds shapes as one step, and selects them. @param at where their middle comes to be */
  add(shapes: Parameters<typeof addShapes>[1], at: Point | null): void {
    if (!this.state.canEdit || shapes.length === 0) return;
    const box = unionOf(shapes.map((shape) => upright(shape.box)));
    const centre = box === null || at === null ? null : centreOf(box);
    const by = centre === null || at === null ? shiftBy(0, 0) : shiftBy(at.x - centre.x, at.y - centre.y);
    const placed = shapes.map((shape) => ({
      ...shape,
      box: { ...shape.box, x: shape.box.x + by.dx, y: shape.box.y + by.dy },
    }));
    this.#step((board) => {
      this.store.set({ tool: "select" });
      this.select(addShapes(board, placed));
    });
  }

  undo(): void {
    this.finishWriting();
    if (this.state.canEdit && this.open.history.undo()) this.announce("Undone");
  }

  redo(): void {
    this.finishWriting();
    if (this.state.canEdit && this.open.history.redo()) this.announce("Redone");
  }

  // Writing.

  write(id: string): void {
    this.open.history.step();
    this.store.set({ tool: "select" });
    this.select([id]);
    this.store.set({ writing: id });
  }

  setText(id: string, text: string): void {
    const shape = this.open.board.shape(id);
    if (shape?.kind === "note") writeText(this.open.board, id, text);
    if (shape?.kind === "text") {
      writeText(this.open.board, id, text, { ...shape.box, ...textSize(text, shape.fontSize, this.measure) });
    }
  }

  finishWriting(): void {
    const { writing } = this.state;
    if (writing === null) return;
    const { board, history } = this.open;
    const shape = board.shape(writing);
    this.store.set({ writing: null });
    if (shape?.kind === "text" && shape.text.trim() === "") removeShapes(board, [writing]);
    history.step();
  }

  /** One step of the history. */
  #step(change: (board: OpenBoard["board"]) => void): void {
    const { board, history } = this.open;
    if (!this.state.canEdit) return;
    history.step();
    change(board);
    history.step();
  }

  #go(gesture: Gesture): void {
    this.#gesture = gesture;
    if (gesture.selection !== null) this.select(gesture.selection);
    this.teller.tell({ preview: gesture.preview });
    this.view.request();
  }

  #carryOut(outcome: Outcome): void {
    switch (outcome.type) {
      case "nothing":
        return;
      case "select":
        this.select(outcome.ids);
        return;
      case "transform":
        this.#step((board) => transformShapes(board, outcome.ids, outcome.transform));
        return;
      case "write":
        this.write(outcome.id);
        return;
      case "add": {
        let ids: string[] = [];
        this.#step((board) => {
          ids = addShapes(board, [outcome.shape]);
        });
        if (outcome.next === "draw-on") return;
        const [id] = ids;
        if (outcome.next === "select" || id === undefined) {
          this.store.set({ tool: "select" });
          this.select(ids);
        } else this.write(id);
        return;
      }
      default:
        outcome satisfies never;
    }
  }

  get #worldReach(): number {
    return this.#reach / this.state.camera.zoom;
  }

  #shown(milliseconds: number): Shown {
    this.#followOn(milliseconds);
    const { camera, selection, writing, canEdit } = this.state;
    return {
      camera,
      kit: { theme: this.#theme, measure: this.measure, imageOf: this.bitmaps.get, editing: writing },
      preview: this.#gesture?.preview ?? NO_PREVIEW,
      selection,
      hasHandles: canEdit && writing === null && this.#gesture === null,
    };
  }

  #followOn(milliseconds: number): void {
    const { following, camera } = this.state;
    const theirs = following === null ? null : (this.people.get(following)?.view ?? null);
    if (theirs === null) return;
    const { size } = this.view;
    const target = viewOf(fitted(theirs, size, 0, Number.POSITIVE_INFINITY), size);
    const view = glideBox(viewOf(camera, size), target, milliseconds);
    this.store.set({ camera: { x: view.x, y: view.y, zoom: size.width / view.w } });
    this.#tellView();
  }

  #tellView(): void {
    // The constructor of the view calls, before there is one.
    const size = (this.view as View | undefined)?.size;
    if (size !== undefined && size.width > 0) this.teller.tell({ view: viewOf(this.state.camera, size) });
  }

  #boardChanged(): void {
    const { selection, writing } = this.state;
    if ([...selection].some((id) => this.open.board.shape(id) === undefined)) this.select(selection);
    if (writing !== null && this.open.board.shape(writing) === undefined) this.store.set({ writing: null });
    this.#showAll();
  }

  /** A board that is opened shows all that is on it. */
  #showAll(): void {
    if (this.#isPlaced) return;
    const box = unionOf(this.open.board.shapes.map(boundsOf));
    const view: Box = viewOf(this.state.camera, this.view.size);
    if (box === null || view.w === 0) return;
    this.#isPlaced = true;
    const isWhole =
      box.x >= view.x && box.y >= view.y && box.x + box.w <= view.x + view.w && box.y + box.h <= view.y + view.h;
    if (!isWhole) this.store.set({ camera: fitted(box, this.view.size) });
    this.#tellView();
  }

  #peopleChanged(): void {
    const { following } = this.state;
    if (following !== null && this.people.get(following) === undefined) this.follow(null);
  }

  async #loadFont(): Promise<void> {
    await document.fonts.load(`500 16px "Inter Variable"`).catch(() => null);
    this.#measure.forget();
    this.view.repaint();
  }
}
