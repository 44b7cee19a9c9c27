import { describe, expect, it } from "vitest";
import { readSettings, SETTINGS } from "./settings.ts";

describe("settings", () => {
  it("has its defaults when nothing is set, and is closed then", () => {
    const settings = readSettings({});
    for (const [name, { default: initial }] of Object.entries(SETTINGS)) expect(settings).toHaveProperty(name, initial);
    expect(settings.AUTH).toBe("token");
  });

  it("takes what wrangler hands over: strings, numbers and truths", () => {
    const settings = readSettings({ AUTH: "open", STRICT: "true", COMMIT_MS: "0", COALESCE_MS: 5, ROOMS: {} });
    expect(settings).toMatchObject({ AUTH: "open", STRICT: true, COMMIT_MS: 0, COALESCE_MS: 5 });
    expect(readSettings({ STRICT: false }).STRICT).toBe(false);
  });

  it("names every setting that is out of its range, with the range", () => {
    const wrong = { AUTH: "everybody", COMMIT_MS: "-1", COALESCE_MS: "fast", STRICT: "yes", MAX_FRAME_BYTES: 1e9 };
    for (const [name, value] of Object.entries(wrong)) {
      expect(() => readSettings({ [name]: value })).toThrow(`${name} = ${JSON.stringify(value)} must be `);
    }
    expect(() => readSettings(wrong)).toThrow(/AUTH .*; .*COMMIT_MS/s);
  });
});
