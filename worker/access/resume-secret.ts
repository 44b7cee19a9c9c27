import { createHash } from "node:crypto";
import { RESUME_PROTOCOL } from "../../shared/messages.ts";
import { offersOf } from "./subprotocol.ts";

/** Bytes of a secret that lets its holder be a peer again. */
const SECRET_BYTES = 24;

/** A secret that nobody guesses, in letters that a subprotocol may have. */
export function newSecret(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** What is kept of a secret: nobody can come back with what is stored. */
export function hashOfSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** The secret that an upgrade offers, as subprotocol `roomful.resume.<secret>`; the first one, if there are more. */
export function secretOf(request: Request): string | undefined {
  const offer = offersOf(request).find((each) => each.startsWith(RESUME_PROTOCOL));
  return offer?.slice(RESUME_PROTOCOL.length);
}
