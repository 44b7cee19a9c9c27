import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode, isFinalClose } from "../../shared/errors.ts";
import { consequenceOf } from "./refusal.ts";

const CODES = Object.keys(ERRORS) as ErrorCode[];
const outcomes = (isStock: boolean, isSync: boolean) =>
  Map.groupBy(CODES, (code) => consequenceOf(code, { isStock, isSync }));

describe("a refusal", () => {
  it("[ERR-1] of a stock client's message closes it, whatever it is", () => {
    expect(outcomes(true, false)).toEqual(new Map([["close", CODES]]));
  });

  it("[ERR-2] of a roomful.v1 client's message strikes it, and closes it where it is to come again", () => {
    const isFinal = (code: ErrorCode) => isFinalClose(ERRORS[code].close);
    expect(outcomes(false, false).get("strike")).toEqual(CODES.filter(isFinal));
    expect(outcomes(false, false).get("close")).toEqual(CODES.filter((code) => !isFinal(code)));
  });

  it("[ERR-1] of a stock client's sync frame closes it, but for what it does in good faith", () => {
    expect(outcomes(true, true).get("deny")).toEqual(["forbidden", "room-damaged"]);
    expect(outcomes(true, true).size).toBe(2);
  });

  it("[ERR-2] of a roomful.v1 client's sync frame is told, and counts against it where no honest client repeats it", () => {
    const own = ["frame-too-large", "invalid-update", "malformed-frame", "update-too-costly"];
    expect(outcomes(false, true).get("strike")?.toSorted()).toEqual(own);
    expect(outcomes(false, true).size).toBe(2);
  });
});
