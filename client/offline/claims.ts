import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import * as Y from "yjs";
import { lowerClock, type Unsaved } from "../document/ledger.ts";

/**
 * The unsaved content of a document, as one visit counts it. All tabs keep their claims under one key. A visit writes a claim
 * with each of its edits, so an unchanged claim stands for a visit that wrote nothing since.
 */
export interface Claim {
  /** A random number that the visit drew. */
  readonly visit: number;
  /** Counts the visit's claims. */
  readonly version: number;
  readonly unsaved: Unsaved;
}

export function encodeClaims(claims: readonly Claim[]): ArrayBuffer {
  const bytes = encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, claims.length);
    for (const { visit, version, unsaved } of claims) {
      encoding.writeVarUint(encoder, visit);
      encoding.writeVarUint(encoder, version);
      const content = Y.createSnapshot(unsaved.deletions, new Map(unsaved.from));
      encoding.writeVarUint8Array(encoder, Y.encodeSnapshot(content));
    }
  });
  return bytes.slice().buffer as ArrayBuffer;
}

/** @returns `null` when it is nothing that {@link encodeClaims} wrote: then nobody knows what is unsaved */
export function decodeClaims(stored: unknown): Claim[] | null {
  if (!(stored instanceof ArrayBuffer)) return null;
  try {
    const decoder = decoding.createDecoder(new Uint8Array(stored));
    const claims: Claim[] = [];
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      const visit = decoding.readVarUint(decoder);
      const version = decoding.readVarUint(decoder);
      const { sv, ds } = Y.decodeSnapshot(decoding.readVarUint8Array(decoder));
      claims.push({ visit, version, unsaved: { from: sv, deletions: ds } });
    }
    return decoding.hasContent(decoder) ? null : claims;
  } catch {
    return null;
  }
}

/** The union of unsaved contents. */
export function union(parts: readonly Unsaved[]): Unsaved {
  const from = new Map<number, number>();
  for (const part of parts) {
    for (const [client, clock] of part.from) lowerClock(from, client, clock);
  }
  return { from, deletions: Y.mergeDeleteSets(parts.map(({ deletions }) => deletions)) };
}

/**
 * Puts a visit's claim in the place of its last one, and of the claims that it took over.
 * @param takenOver one that its visit wrote anew since stays: there may be more in it
 */
export function replaceClaim(stored: readonly Claim[], own: Claim, takenOver: readonly Claim[]): Claim[] {
  const isTakenOver = (claim: Claim) =>
    takenOver.some(({ visit, version }) => claim.visit === visit && claim.version === version);
  return [...stored.filter((claim) => claim.visit !== own.visit && !isTakenOver(claim)), own];
}
