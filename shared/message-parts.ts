/** What the tables of messages, in both directions, have in common. */
import * as v from "valibot";
import { connectionId, description, iceCandidates } from "./calls.ts";
import { RoomfulError } from "./errors.ts";
import type { Json, PeerId } from "./rooms.ts";

export const peerId: v.GenericSchema<unknown, PeerId> = v.pipe(
  v.string(),
  v.transform((peer) => peer as PeerId),
);

/** A JSON value, as `JSON.parse` made it. */
export const json = v.pipe(
  v.unknown(),
  v.check((value) => value !== undefined),
  v.transform((value) => value as Json),
);

/** What an offer and an answer have in common, but for whom they are from or to. */
export const described = {
  connection: connectionId,
  /** Counts the offers of one side within the connection, from 1; an answer has that of its offer. */
  round: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  description,
};
export const candidates = { connection: connectionId, candidates: iceCandidates };

/**
 * Reads a message by the table that declares it.
 * @throws RoomfulError `malformed-message`
 */
export function parseMessage<Message>(table: Record<string, v.GenericSchema>, text: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Without its cause, whose words quote the text: a log says nothing of what a user wrote.
    throw new RoomfulError("malformed-message", "not JSON");
  }
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  const schema = typeof type === "string" && Object.hasOwn(table, type) ? table[type] : undefined;
  if (schema === undefined) throw new RoomfulError("malformed-message", "unknown type");
  const result = v.safeParse(schema, value);
  if (!result.success) {
    throw new RoomfulError("malformed-message", `${type}: ${v.getDotPath(result.issues[0]) ?? "shape"}`);
  }
  return result.output as Message;
}
