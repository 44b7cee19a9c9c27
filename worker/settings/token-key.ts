import type { TokenAlgorithm } from "../../shared/tokens.ts";

/** The settings of tokens. An empty one is not set. */
export interface TokenSettings {
  readonly TOKEN_ALGORITHM: TokenAlgorithm;
  readonly TOKEN_SECRET: string;
  readonly TOKEN_PUBLIC_KEY: string;
  readonly TOKEN_JWKS_URL: string;
  readonly TOKEN_ISSUER: string;
  readonly TOKEN_AUDIENCE: string;
}

/** The key with which a deployment verifies tokens. */
export type TokenKey =
  | { readonly kind: "none" }
  | { readonly kind: "secret"; readonly secret: string }
  | { readonly kind: "public-key"; readonly pem: string }
  | { readonly kind: "key-set"; readonly url: string };

/** The key that is set. @param settings without {@link keyFaults}, so that one key is set at most */
export function keyOf({ TOKEN_SECRET, TOKEN_PUBLIC_KEY, TOKEN_JWKS_URL }: TokenSettings): TokenKey {
  if (TOKEN_SECRET !== "") return { kind: "secret", secret: TOKEN_SECRET };
  if (TOKEN_PUBLIC_KEY !== "") return { kind: "public-key", pem: TOKEN_PUBLIC_KEY };
  if (TOKEN_JWKS_URL !== "") return { kind: "key-set", url: TOKEN_JWKS_URL };
  return { kind: "none" };
}

/** Whether a text is an absolute `https:` URL, or an `http:` one of this machine: keys fetched in the clear can be replaced. */
export function isKeySetUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === "https:" || (protocol === "http:" && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname));
}

/**
 * Faults of the settings of tokens together; no fault repeats a value. Each kind of key goes with its own algorithms:
 * a public key taken for the secret of HS256 would let everybody sign.
 */
export function keyFaults(settings: TokenSettings): string[] {
  const names = (["TOKEN_SECRET", "TOKEN_PUBLIC_KEY", "TOKEN_JWKS_URL"] as const).filter(
    (name) => settings[name] !== "",
  );
  const [name] = names;
  if (name === undefined) return [];
  if (names.length > 1) return [`${names.join(" and ")} are set; exactly one key must be`];
  const { TOKEN_ALGORITHM: algorithm } = settings;
  const faults: string[] = [];
  if (name === "TOKEN_SECRET" && algorithm !== "HS256") {
    faults.push(`TOKEN_ALGORITHM = ${algorithm} must be HS256, which goes with TOKEN_SECRET`);
  }
  if (name !== "TOKEN_SECRET" && algorithm === "HS256") {
    faults.push(`TOKEN_ALGORITHM = HS256 goes with TOKEN_SECRET; with ${name} it must be the one that signs`);
  }
  for (const pinned of ["TOKEN_ISSUER", "TOKEN_AUDIENCE"] as const) {
    if (name === "TOKEN_JWKS_URL" && settings[pinned] === "") faults.push(`${pinned} must be set with TOKEN_JWKS_URL`);
  }
  return faults;
}
