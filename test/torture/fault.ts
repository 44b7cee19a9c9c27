/** How a storage call fails. */
export type FaultKind =
  /** It throws and did nothing; the next call works again. */
  | "once"
  /** It and every call after it throws, until the fault is taken away. */
  | "from-then-on"
  /** The object is reset in the middle of it, as when the platform can't make a write durable. */
  | "reset";

export interface Fault {
  /** Which storage call from now on: the next one is 1. */
  readonly at: number;
  readonly kind: FaultKind;
}

/** What became of a planted fault. */
export interface StorageCalls {
  /** Storage calls since it was planted. */
  readonly calls: number;
  /** Whether one of them failed. */
  readonly happened: boolean;
}
