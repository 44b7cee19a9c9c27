/** How hostile edits are tried on a document inside the isolate: what is asked, and what is answered. */
export interface FuzzOptions {
  readonly seed: number;
  /** Documents. */
  readonly runs: number;
  /** Windows of edits for one document, at most. */
  readonly windows: number;
  /** Whether to look for the smallest edits that break a promise. */
  readonly shrink: boolean;
}

export interface FuzzCount {
  edits: number;
  /** By refusal code, or `applied`, or `incomplete`. */
  outcomes: Record<string, number>;
  taints: number;
}

export interface FuzzResult {
  readonly count: FuzzCount;
  /** Which promise was broken, and the shrunk windows that break it: updates in hex, each with its author. */
  readonly failure: { readonly broken: string; readonly frames: readonly string[] } | null;
}
