import type { TokenAlgorithm } from "../../shared/tokens.ts";

/** What a deployment says about tokens; empty is not set. */
export interface TokenSettings {
  readonly TOKEN_ALGORITHM: TokenAlgorithm;
  readonly TOKEN_SECRET: string;
  readonly TOKEN_PUBLIC_KEY: string;
  readonly TOKEN_JWKS_URL: string;
  readonly TOKEN_ISSUER: string;
  readonly TOKEN_AUDIENCE: string;
}

/** With what a deployment checks tokens. */
export type TokenKey =
  | { readonly kind: "none" }
  | { readonly kind: "secret"; readonly secret: string }
  | { readonly kind: "public-key"; readonly pem: string }
  | { readonly kind: "key-set"; readonly url: string };

/** The key that is set. To be asked of settings without {@link keyFaults}. */
export function keyOf({ TOKEN_SECRET, TOKEN_PUBLIC_KEY, TOKEN_JWKS_URL }: TokenSettings): TokenKey {
  if (TOKEN_SECRET !== "") return { kind: "secret", secret: TOKEN_SECRET };
  if (TOKEN_PUBLIC_KEY !== "") return { kind: "public-key", pem: TOKEN_PUBLIC_KEY };
  if (TOKEN_JWKS_URL !== "") return { kind: "key-set", url: TOKEN_JWKS_URL };
  return { kind: "none" };
}

/**
 * What is wrong with the settings of tokens together, in words that repeat no value. A public key that passed for the
 * secret of HS256 would let everybody sign, so that each kind of key goes with its algorithms only.
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
