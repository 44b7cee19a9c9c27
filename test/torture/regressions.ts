/** Windows of updates, in hex, that once broke a promise: each with one sentence. */
export interface Regression {
  readonly name: string;
  /** Updates in hex, one after the other. */
  readonly updates: readonly string[];
}

export const REGRESSIONS: readonly Regression[] = [
  {
    name: "A key's string of several characters was split in memory, and its first part was deleted when it was loaded.",
    updates: [
      "010101002401047465787404746578740661f09f98806200",
      "010101040401047465787405776f72642000",
      "0101010908010474657874017f00",
      "0102010aa4010001610601047465787404626f6c64013100",
    ],
  },
  {
    name: "A struct that overlaps what is known of its client, with another parent, was placed in memory where no load puts it.",
    updates: [
      "010102000401047465787405776f72642000",
      "010101002701047465787401610000",
      "01010205070104746578740000",
      "0101010144020505776f72642000",
      "01010106240104746578740163016100",
      "01020106a4020004f09f988026010474657874016104626f6c64013100",
    ],
  },
  {
    name: "A known struct, sent again with another origin, split a surrogate pair in memory that was stored whole.",
    updates: [
      "01010200040104746578740661f09f98806200",
      "0101010004010474657874017800",
      "01020100840201017904010474657874017a00",
    ],
  },
];
