import {
  type Box,
  boxOf,
  contains,
  grown,
  type Point,
  shiftBy,
  type Transform,
  unionOf,
  upright,
} from "../model/box.ts";
import type { Shape } from "../model/shape.ts";
import { shapeAt, shapesWithin } from "../scene/hit.ts";
import {
  type BeginGesture,
  type Gesture,
  NO_PREVIEW,
  NOTHING,
  type PointerInput,
  type Surroundings,
} from "./gesture.ts";
import { type Handle, handleAt, resizeBy } from "./handles.ts";

/** Selects, moves and resizes, depending on what is under the pointer. */
export const beginSelect: BeginGesture = (input, surroundings) => {
  const { shapes, selection, reach } = surroundings;
  const selected = shapes.filter(({ id }) => selection.has(id));
  const box = selectionBox(selected);
  const handle = box === null ? null : handleAt(box, input.at, reach * 1.5);
  if (box !== null && handle !== null)
    return resize({ selected, box, handle, from: input.at, to: input.at, isEven: false });
  const hit = shapeAt(shapes, input.at, reach);
  if (hit !== undefined) return press(input, hit, surroundings);
  if (box !== null && !input.shift && contains(grown(box, reach), input.at)) {
    return pressed({ ids: [...selection], from: input.at, reach, clicked: [] });
  }
  return marquee({ shapes, base: input.shift ? [...selection] : [], from: input.at, to: input.at });
};

/** Around all that is selected, as its frame is drawn. */
export function selectionBox(selected: readonly Shape[]): Box | null {
  return unionOf(selected.map(({ box }) => upright(box)));
}

function press({ at, shift }: PointerInput, { id }: Shape, { selection, reach }: Surroundings): Gesture {
  if (shift) {
    const ids = selection.has(id) ? [...selection].filter((each) => each !== id) : [...selection, id];
    return pressed({ ids, from: at, reach, clicked: ids });
  }
  if (selection.has(id)) return pressed({ ids: [...selection], from: at, reach, clicked: [id] });
  return pressed({ ids: [id], from: at, reach, clicked: [id] });
}

interface Pressed {
  readonly ids: readonly string[];
  readonly from: Point;
  readonly reach: number;
  /** The selection after a click. */
  readonly clicked: readonly string[];
}

/** The pointer is down and has not moved: a click so far. */
function pressed(state: Pressed): Gesture {
  const { ids, from, reach, clicked } = state;
  return {
    preview: NO_PREVIEW,
    selection: ids,
    move: ({ at, shift }) =>
      Math.hypot(at.x - from.x, at.y - from.y) < reach / 2 ? pressed(state) : carry(ids, from, at, shift),
    finish: () => ({ type: "select", ids: clicked }),
  };
}

function carry(ids: readonly string[], from: Point, to: Point, isStraight: boolean): Gesture {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const isWide = Math.abs(dx) > Math.abs(dy);
  const transform = isStraight ? shiftBy(isWide ? dx : 0, isWide ? 0 : dy) : shiftBy(dx, dy);
  return {
    preview: { type: "transform", ids, transform },
    selection: ids,
    move: ({ at, shift }) => carry(ids, from, at, shift),
    finish: () => ({ type: "transform", ids, transform }),
  };
}

interface Resizing {
  readonly selected: readonly Shape[];
  readonly box: Box;
  readonly handle: Handle;
  readonly from: Point;
  readonly to: Point;
  readonly isEven: boolean;
}

function resize(state: Resizing): Gesture {
  const { selected, box, handle, from, to } = state;
  const ids = selected.map(({ id }) => id);
  const keepsRatio = state.isEven || selected.some(({ kind }) => kind === "text" || kind === "image");
  const transform: Transform = resizeBy(box, handle, { x: to.x - from.x, y: to.y - from.y }, keepsRatio);
  return {
    preview: { type: "transform", ids, transform },
    selection: null,
    move: ({ at, shift }) => resize({ ...state, to: at, isEven: shift }),
    finish: () => (from === to ? NOTHING : { type: "transform", ids, transform }),
  };
}

interface Marquee {
  readonly shapes: readonly Shape[];
  readonly base: readonly string[];
  readonly from: Point;
  readonly to: Point;
}

function marquee(state: Marquee): Gesture {
  const box = upright(boxOf(state.from, state.to));
  const isClick = box.w === 0 && box.h === 0;
  return {
    preview: isClick ? NO_PREVIEW : { type: "marquee", box },
    selection: isClick ? state.base : [...new Set([...state.base, ...shapesWithin(state.shapes, box)])],
    move: ({ at }) => marquee({ ...state, to: at }),
    finish: () => NOTHING,
  };
}
