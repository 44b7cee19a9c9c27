import { fontOf } from "../scene/paint.ts";
import { contextOf } from "../scene/static-layer.ts";
import type { Measure } from "../scene/text.ts";

const SIZE = 100;
const LINES = 5_000;

export interface Measurer {
  readonly measure: Measure;
  /** Forgets all widths: another font was loaded. */
  readonly forget: () => void;
}

/** Measures text as the canvas sets it; each line once. */
export function createMeasurer(): Measurer {
  const context = contextOf(document.createElement("canvas"));
  const widths = new Map<string, number>();
  const measure: Measure = (line, fontSize) => {
    let width = widths.get(line);
    if (width === undefined) {
      if (widths.size >= LINES) widths.clear();
      context.font = fontOf(SIZE);
      width = context.measureText(line).width;
      widths.set(line, width);
    }
    return (width * fontSize) / SIZE;
  };
  return { measure, forget: () => widths.clear() };
}
