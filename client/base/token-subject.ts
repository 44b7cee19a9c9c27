/**
 * The `sub` claim of a token: whom it speaks for. The signature is not verified: the subject only decides which tabs share a
 * channel and which document a browser opens, and these share an origin anyway.
 * @returns `undefined` when the token names nobody, or is no JWT
 */
export function subjectOf(token: string): string | undefined {
  try {
    const payload = token.split(".")[1] ?? "";
    const claims: unknown = JSON.parse(decodeBase64Url(payload));
    if (typeof claims !== "object" || claims === null || !("sub" in claims)) return undefined;
    return typeof claims.sub === "string" ? claims.sub : undefined;
  } catch {
    return undefined;
  }
}

function decodeBase64Url(text: string): string {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.codePointAt(0) ?? 0));
}
