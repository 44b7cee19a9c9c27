import type { Color } from "../model/shape.ts";

/** How the named colours look. Ink contrasts with the paper by at least 4.5 to 1, text on a note with the note. */
export interface Theme {
  readonly name: "light" | "dark";
  readonly paper: string;
  readonly ink: Readonly<Record<Color, string>>;
  /** Faint, for what is filled. */
  readonly fill: Readonly<Record<Color, string>>;
  readonly note: Readonly<Record<Color, string>>;
  readonly noteText: string;
  readonly accent: string;
  readonly placeholder: string;
}

export const LIGHT: Theme = {
  name: "light",
  paper: "#fbfbfa",
  ink: {
    ink: "#1d1d22",
    grey: "#65656f",
    red: "#cf2530",
    orange: "#b34700",
    yellow: "#8a6100",
    green: "#187a3c",
    blue: "#1f66d6",
    violet: "#6d43c9",
    pink: "#c0267f",
  },
  fill: {
    ink: "#e7e7ea",
    grey: "#efeff1",
    red: "#fde3e2",
    orange: "#ffe6d2",
    yellow: "#fdf0c4",
    green: "#d9f2df",
    blue: "#dcebff",
    violet: "#e9e2fc",
    pink: "#fbe0ef",
  },
  note: {
    ink: "#d9d9de",
    grey: "#e6e6ea",
    red: "#ffc9c4",
    orange: "#ffd3a8",
    yellow: "#ffe68a",
    green: "#b9ebc2",
    blue: "#b9d9ff",
    violet: "#d6c9fb",
    pink: "#ffc4e1",
  },
  noteText: "#26262b",
  accent: "#5b5bd6",
  placeholder: "#d7d7dc",
};

export const DARK: Theme = {
  name: "dark",
  paper: "#17171a",
  ink: {
    ink: "#ececf0",
    grey: "#a1a1ac",
    red: "#ff8a85",
    orange: "#ffa05c",
    yellow: "#f2cb52",
    green: "#6dd58c",
    blue: "#7db4ff",
    violet: "#b79cff",
    pink: "#ff8fc8",
  },
  fill: {
    ink: "#303036",
    grey: "#29292e",
    red: "#46201f",
    orange: "#452a14",
    yellow: "#3d3310",
    green: "#173a22",
    blue: "#172f52",
    violet: "#2e2350",
    pink: "#451d35",
  },
  note: {
    ink: "#b9b9c2",
    grey: "#a9a9b4",
    red: "#f0a39d",
    orange: "#f0b27a",
    yellow: "#ecd06a",
    green: "#93d3a1",
    blue: "#94bdf0",
    violet: "#b8a6ee",
    pink: "#eca3c9",
  },
  noteText: "#1b1b1f",
  accent: "#9a9aff",
  placeholder: "#3a3a42",
};
