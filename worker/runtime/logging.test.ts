import { describe, expect, it } from "vitest";
import { createLog } from "./logging.ts";

describe("the log", () => {
  it("writes one JSON object per line, at its level and above", () => {
    const lines: string[] = [];
    const original = console.warn;
    console.warn = (line: string) => void lines.push(line);
    try {
      const log = createLog("warn", { room: "r" });
      log("info", "opened");
      log("warn", "refused", { code: "forbidden" });
    } finally {
      console.warn = original;
    }
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: "warn", event: "refused", room: "r", code: "forbidden" },
    ]);
  });
});
