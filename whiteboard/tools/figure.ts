import { type Box, boxOf, type Point, upright } from "../model/box.ts";
import type { NewShape } from "../model/commands.ts";
import type { BeginGesture, Gesture, Style } from "./gesture.ts";

export type FigureKind = "rectangle" | "ellipse" | "line" | "arrow";

/** Size of the figure that a click without a drag makes. */
const CLICKED = { w: 160, h: 100 };

interface Dragging {
  readonly kind: FigureKind;
  readonly style: Style;
  readonly from: Point;
  readonly to: Point;
  readonly isEven: boolean;
  /** Below it a drag is a click. */
  readonly reach: number;
}

/** Drags a figure from one corner to the other. Shift makes it a square or a circle, or turns a line to a multiple of 15°. */
export function beginFigure(kind: FigureKind): BeginGesture {
  return ({ at, shift }, { style, reach }) => drag({ kind, style, from: at, to: at, isEven: shift, reach });
}

function drag(state: Dragging): Gesture {
  const isClick = Math.hypot(state.to.x - state.from.x, state.to.y - state.from.y) < state.reach;
  return {
    preview: isClick ? { type: "none" } : { type: "shape", shape: shapeOf(state, boxOfDrag(state)) },
    selection: [],
    move: ({ at, shift }) => drag({ ...state, to: at, isEven: shift }),
    finish: () => ({
      type: "add",
      shape: shapeOf(state, isClick ? figureAt(state.kind, state.from) : boxOfDrag(state)),
      next: "select",
    }),
  };
}

/** A figure of its usual size around a point. */
export function figureAt(kind: FigureKind, { x, y }: Point): Box {
  const { w, h } = CLICKED;
  return kind === "line" || kind === "arrow" ? { x: x - w / 2, y, w, h: 0 } : { x: x - w / 2, y: y - h / 2, w, h };
}

function boxOfDrag({ kind, from, to, isEven }: Dragging): Box {
  const box = boxOf(from, to);
  if (kind === "line" || kind === "arrow") return isEven ? turned(box) : box;
  if (!isEven) return upright(box);
  const side = Math.max(Math.abs(box.w), Math.abs(box.h));
  return upright({ ...box, w: Math.sign(box.w) * side, h: Math.sign(box.h) * side });
}

function turned(box: Box): Box {
  const step = Math.PI / 12;
  const angle = Math.round(Math.atan2(box.h, box.w) / step) * step;
  const length = Math.hypot(box.w, box.h);
  return { ...box, w: Math.cos(angle) * length, h: Math.sin(angle) * length };
}

export function shapeOf({ kind, style }: Pick<Dragging, "kind" | "style">, box: Box): NewShape {
  const { color, size, fill } = style;
  return kind === "rectangle" || kind === "ellipse" ? { kind, color, size, fill, box } : { kind, color, size, box };
}
