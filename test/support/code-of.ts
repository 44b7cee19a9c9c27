import { errorCodeOf } from "../../shared/errors.ts";

/** The code with which something is refused. */
export function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return "nothing thrown";
  } catch (caught) {
    return errorCodeOf(caught);
  }
}

/** The code with which a call is refused. */
export function codeOfCall(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(() => "nothing thrown", errorCodeOf);
}
