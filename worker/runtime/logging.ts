import type { ErrorCode } from "../../shared/errors.ts";
import type { PeerId } from "../../shared/rooms.ts";
import type { Settings } from "../settings/settings.ts";

/** What a log line may say: names, codes and figures, never what a user wrote. */
export interface LogFields {
  readonly peer?: PeerId;
  readonly code?: ErrorCode;
  readonly detail?: string;
  readonly [figure: string]: string | number | boolean | undefined;
}

export type LogLevel = Settings["LOG_LEVEL"];
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

const LEVELS: readonly LogLevel[] = ["info", "warn", "error"];
const WRITERS: Record<LogLevel, (line: string) => void> = {
  info: (line) => console.log(line),
  warn: (line) => console.warn(line),
  error: (line) => console.error(line),
};

/** Makes a log that writes one JSON object per line. @param lowest the lowest level that is written */
export function createLog(lowest: LogLevel, context: { readonly room?: string } = {}): Log {
  return (level, event, fields) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(lowest)) return;
    WRITERS[level](JSON.stringify({ level, event, ...context, ...fields }));
  };
}

/** The words of a caught value for a log line, its causes included. */
export function explain(caught: unknown): string {
  const words: string[] = [];
  for (let error = caught; error !== undefined && words.length < 5; ) {
    words.push(error instanceof Error ? error.message : String(error));
    error = error instanceof Error ? error.cause : undefined;
  }
  return words.join(" <- ");
}
