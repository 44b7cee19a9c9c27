import { getStroke } from "perfect-freehand";
import type { Sample } from "../model/ink.ts";

interface InkOptions {
  readonly size: number;
  /** Whether it has ended: until then its last samples may still be smoothed. */
  readonly isDone: boolean;
}

/** The outline of a stroke, as SVG path data that is filled. */
export function inkPath(samples: readonly Sample[], { size, isDone }: InkOptions): string {
  const hasPressure = samples.some(({ pressure }) => pressure !== undefined);
  const outline = getStroke(
    samples.map(({ x, y, pressure }) => [x, y, pressure ?? 0.5]),
    {
      size: size * 1.8,
      thinning: 0.55,
      smoothing: 0.5,
      streamline: 0.4,
      simulatePressure: !hasPressure,
      last: isDone,
    },
  );
  return smoothClosedPath(outline);
}

/** Through the middles of the outline's edges, with its corners as control points. */
function smoothClosedPath(outline: readonly (readonly number[])[]): string {
  if (outline.length < 3) return "";
  const parts: string[] = [];
  for (const [index, corner] of outline.entries()) {
    const next = outline[(index + 1) % outline.length] ?? corner;
    const [x = 0, y = 0] = corner;
    const [nextX = 0, nextY = 0] = next;
    const middle = `${short((x + nextX) / 2)} ${short((y + nextY) / 2)}`;
    parts.push(index === 0 ? `M${middle}` : `Q${short(x)} ${short(y)} ${middle}`);
  }
  return `${parts.join("")}Z`;
}

/** Two digits are finer than a pixel at the largest zoom. */
export function short(value: number): string {
  return `${Math.round(value * 100) / 100}`;
}
