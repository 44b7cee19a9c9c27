import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { DARK, LIGHT } from "../../whiteboard/scene/theme.ts";
import { PERSON_COLORS } from "../../whiteboard/together/presence.ts";

/** @see https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((first, second) => first - second);
  return (high + 0.05) / (low + 0.05);
}

it("ink on paper, text on notes, names on their colours: the contrast is 4.5 to 1 or better", () => {
  for (const theme of [LIGHT, DARK]) {
    for (const color of Object.values(theme.ink))
      expect([color, contrast(color, theme.paper) >= 4.5]).toEqual([color, true]);
    for (const color of Object.values(theme.note)) {
      expect([color, contrast(color, theme.noteText) >= 4.5]).toEqual([color, true]);
    }
  }
  for (const color of PERSON_COLORS) expect([color, contrast(color, "#ffffff") >= 4.5]).toEqual([color, true]);
});

it("so is that of the page's words, in both themes, also where somebody points", () => {
  const css = readFileSync("whiteboard/ui/base.css", "utf8");
  const themes = [...css.matchAll(/^:root[^{]*\{([^}]*)\}/gm)].map(([, body]) =>
    Object.fromEntries([...(body ?? "").matchAll(/--([\w-]+): (#\w{6});/g)].map(([, name, value]) => [name, value])),
  );
  expect(themes).toHaveLength(2);
  for (const theme of themes) {
    for (const text of ["text", "soft", "good", "busy", "warning", "bad"]) {
      for (const ground of ["panel", "hover"]) {
        expect([text, ground, contrast(theme[text] ?? "", theme[ground] ?? "") >= 4.5]).toEqual([text, ground, true]);
      }
    }
    expect(contrast(theme["on-accent"] ?? "", theme.accent ?? "")).toBeGreaterThan(4.5);
    expect(contrast(theme.accent ?? "", theme["accent-soft"] ?? "")).toBeGreaterThan(4.5);
  }
});
