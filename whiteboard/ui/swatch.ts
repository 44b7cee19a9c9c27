import type { CSSProperties } from "react";

/** The colour of a swatch's dot, for the style sheet. */
export function swatch(color: string): CSSProperties {
  return { "--swatch": color } as CSSProperties;
}
