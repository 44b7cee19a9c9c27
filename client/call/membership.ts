import type { ErrorCode } from "../../shared/errors.ts";

/** Where this client stands between being out of the call and being in it. */
export type Membership =
  | { readonly type: "out" }
  /** `isReady` once the browser answered for the devices, and the room's answer alone is missing. */
  | { readonly type: "joining"; readonly isReady: boolean }
  | { readonly type: "in" }
  | { readonly type: "refused"; readonly code: ErrorCode; readonly message: string };

/** Whether this client is in, or lacks nothing but the room's answer. */
export function wantsIn(membership: Membership): boolean {
  return membership.type === "in" || (membership.type === "joining" && membership.isReady);
}
