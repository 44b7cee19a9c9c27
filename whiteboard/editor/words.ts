/** Words for shapes and tools, which a screen reader says. */
import type { Shape } from "../model/shape.ts";
import type { Tool } from "../tools/tools.ts";

const KINDS: Readonly<Record<Shape["kind"], string>> = {
  stroke: "Drawing",
  rectangle: "Rectangle",
  ellipse: "Ellipse",
  line: "Line",
  arrow: "Arrow",
  text: "Text",
  note: "Note",
  image: "Image",
};

export const TOOL_NAMES: Readonly<Record<Tool, string>> = {
  select: "Select",
  hand: "Move the view",
  pen: "Pen",
  rectangle: "Rectangle",
  ellipse: "Ellipse",
  arrow: "Arrow",
  line: "Line",
  text: "Text",
  note: "Note",
};

export function describeShape(shape: Shape): string {
  const kind = KINDS[shape.kind];
  if ((shape.kind === "text" || shape.kind === "note") && shape.text !== "")
    return `${kind}: ${shape.text.slice(0, 100)}`;
  return shape.kind === "image" ? kind : `${kind}, ${shape.color === "ink" ? "black" : shape.color}`;
}

export function countOf(shapes: number): string {
  return shapes === 1 ? "1 shape" : `${shapes} shapes`;
}
