import { packInk, type Sample } from "../model/ink.ts";
import { STROKE_SAMPLES } from "../model/limits.ts";
import type { BeginGesture, Gesture, Style } from "./gesture.ts";

/** Draws a stroke. */
export const beginStroke: BeginGesture = (input, { style, reach }) => draw(input.samples, style, reach / 16);

/** @param apart samples that are nearer to each other say nothing that is seen */
function draw(samples: readonly Sample[], style: Style, apart: number): Gesture {
  const { color, size } = style;
  return {
    preview: { type: "ink", samples, color, size },
    selection: [],
    move: (input) => draw(appended(samples, input.samples, apart), style, apart),
    finish: () => {
      const { box, points } = packInk(samples);
      return { type: "add", shape: { kind: "stroke", color, size, box, points }, next: "draw-on" };
    },
  };
}

function appended(samples: readonly Sample[], more: readonly Sample[], apart: number): readonly Sample[] {
  if (samples.length >= STROKE_SAMPLES) return samples;
  const all = [...samples];
  for (const sample of more) {
    const last = all.at(-1);
    if (last === undefined || Math.hypot(sample.x - last.x, sample.y - last.y) >= apart) all.push(sample);
  }
  return all;
}
