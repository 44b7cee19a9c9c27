import { createHash } from "node:crypto";
import { RESUME_PROTOCOL } from "../../shared/messages.ts";
import { offersOf } from "./subprotocol.ts";

/** Bytes of a resume secret, with which a client comes back as the peer that it was. */
const SECRET_BYTES = 24;

/** Makes a resume secret at random, in characters that a subprotocol may have. */
export function newSecret(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** The hash that is stored of a secret: nobody can resume with it. */
export function hashOfSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** The secret that an upgrade offers, as subprotocol `roomful.resume.<secret>`; the first one, if there are more. */
export function resumeSecretOf(request: Request): string | undefined {
  const offer = offersOf(request).find((each) => each.startsWith(RESUME_PROTOCOL));
  return offer?.slice(RESUME_PROTOCOL.length);
}
