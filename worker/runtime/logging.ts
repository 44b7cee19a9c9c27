import { type ErrorCode, errorCodeOf } from "../../shared/errors.ts";
import type { PeerId } from "../../shared/rooms.ts";

/** The levels of the log, lowest first. */
export const LOG_LEVELS = ["info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The fields of a log line: names, codes and figures, never content that a user wrote. */
export interface LogFields {
  readonly peer?: PeerId;
  readonly code?: ErrorCode;
  readonly detail?: string;
  readonly [figure: string]: string | number | boolean | undefined;
}

export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

const WRITERS: Record<LogLevel, (line: string) => void> = {
  info: (line) => console.log(line),
  warn: (line) => console.warn(line),
  error: (line) => console.error(line),
};

/** Makes a log that writes one JSON object per line. @param lowest the lowest level that is written */
export function createLog(lowest: LogLevel, context: { readonly room?: string } = {}): Log {
  return (level, event, fields) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(lowest)) return;
    WRITERS[level](JSON.stringify({ level, event, ...context, ...fields }));
  };
}

/** Joins the messages of a caught value and of its causes, five at most, for a log line. */
export function explain(caught: unknown): string {
  const messages: string[] = [];
  for (let error = caught; error !== undefined && messages.length < 5; ) {
    messages.push(error instanceof Error ? error.message : String(error));
    error = error instanceof Error ? error.cause : undefined;
  }
  return messages.join(" <- ");
}

/** Logs a failure of the room's own, with its code if it has one. */
export function logFailure(log: Log, cause: unknown): void {
  log("error", "failed", { code: errorCodeOf(cause) ?? "internal", detail: explain(cause) });
}
