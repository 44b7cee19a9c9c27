/** A value in a row, as it crosses to a test. */
export type Value = Uint8Array<ArrayBuffer> | string | number | null;

/** SQL and what is bound to it. */
export type Statement = readonly [sql: string, ...bindings: Value[]];
