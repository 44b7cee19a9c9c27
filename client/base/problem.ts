import type { ErrorCode } from "../../shared/errors.ts";
import type { WarningCode } from "../../shared/messages.ts";

/** A fault that does not end the connection; an app may show or log it. */
export type Problem =
  /** The room could not use a message other than an edit, or refused it, or sent something unreadable. */
  | { readonly source: "room"; readonly code: ErrorCode; readonly message: string }
  /** The room refused nothing yet, but one of its bounds is near: of the rate of requests, or of the document's size. */
  | { readonly source: "warning"; readonly code: WarningCode; readonly message: string }
  /** No token could be fetched, or no socket could be made. The client tries again. */
  | { readonly source: "connection"; readonly cause: unknown }
  /** The browser can't keep the document: unsaved edits do not survive a reload. */
  | { readonly source: "storage"; readonly cause: unknown };
