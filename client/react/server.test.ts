import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, it } from "vitest";
import { usePresence, useRoom, useSaved } from "./index.ts";

function Page() {
  const open = useRoom("ws://localhost/rooms", "a");
  const { state, unsaved } = useSaved(open?.provider ?? null);
  const { others } = usePresence(open?.provider ?? null);
  return `${open} ${state} ${unsaved} ${others.length}`;
}

it("on a server there is no room, nobody else, and nothing is opened", () => {
  expect(renderToString(createElement(Page))).toBe("null offline 0 0");
});
