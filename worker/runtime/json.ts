import { VALUE_DEPTH } from "../../shared/limits.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes UTF-8. @throws TypeError when the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/** Whether a parsed JSON value is of bounded depth and holds no key that would replace a prototype when copied. */
export function isPlainJson(value: unknown, depth: number = VALUE_DEPTH): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((inner) => isPlainJson(inner, depth - 1));
  // A loop over the keys allocates no list of them: every cursor passes through here.
  for (const key in value) {
    if (key === "__proto__" || !isPlainJson(value[key as never], depth - 1)) return false;
  }
  return true;
}
