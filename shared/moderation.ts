/** What those with the right to moderate may do: to people, and to the room itself. */
import * as v from "valibot";
import { RoomfulError } from "./errors.ts";
import { LARGEST_ROOM_LIMIT, ORIGIN_CHARACTERS, ORIGINS, SUBJECT_CHARACTERS } from "./limits.ts";
import { CAPABILITIES, type Capability, capabilitySet, type PeerId } from "./rooms.ts";

const peer: v.GenericSchema<unknown, PeerId> = v.pipe(
  v.string(),
  v.transform((id) => id as PeerId),
);
const subject = v.pipe(v.string(), v.minLength(1), v.maxLength(SUBJECT_CHARACTERS));

export const moderation = v.variant("action", [
  /**
   * Gives a participant other rights, until they are changed again. They hold for every connection of its subject, also
   * later ones, whatever the token says; without a subject, for this connection. Nobody gives rights that they lack.
   */
  v.object({
    action: v.literal("set-capabilities"),
    peer,
    /** With `read` among them: whoever may not even read is to be kicked. `null` for what the token says. */
    capabilities: v.nullable(
      v.pipe(
        v.array(v.picklist(CAPABILITIES)),
        v.check((capabilities) => capabilities.includes("read")),
        v.transform((capabilities): readonly Capability[] => capabilitySet(capabilities)),
      ),
    ),
  }),
  /** Silences a participant in calls, or lets it speak again. Others' clients drop its sound. */
  v.object({ action: v.literal("mute"), peer, muted: v.boolean() }),
  /** Closes a connection for good. Who it is may come back. */
  v.object({ action: v.literal("kick"), peer }),
  /** Closes every connection of a token's subject, and lets none in again. */
  v.object({ action: v.literal("ban"), subject }),
  v.object({ action: v.literal("unban"), subject }),
]);

/** What may be done to a participant. */
export type Moderation = v.InferOutput<typeof moderation>;

/** Whole seconds up to ten years. */
const seconds = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(315_360_000));
const limit = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(LARGEST_ROOM_LIMIT));
/** As a browser sends it: scheme and host, with the port if it is not the scheme's own, and no path. */
const origin = v.pipe(v.string(), v.maxLength(ORIGIN_CHARACTERS), v.regex(/^[a-z][a-z\d+.-]*:\/\/[^/?#\s]+$/));

const SETTINGS = {
  /** Whether nobody new gets in. Who is in may come back, and those with the right to moderate may always. */
  locked: v.boolean(),
  /** Origins whose pages may enter, such as `https://app.example`; `null` for those that the deployment allows. */
  origins: v.nullable(
    v.pipe(
      v.array(origin),
      v.maxLength(ORIGINS),
      v.transform((origins): readonly string[] => [...new Set(origins)]),
    ),
  ),
  /** Connections at a time; `null` for as many as the deployment allows. It can only be fewer. */
  maxParticipants: v.nullable(limit),
  /** The same for connections of one subject. */
  maxParticipantsPerSubject: v.nullable(limit),
  /** The same for bytes of the encoded document. One that is larger already takes deletions only. */
  maxDocumentBytes: v.nullable(limit),
  /** Seconds after which the room is deleted once everybody left; 0 for never, `null` for what the deployment says. */
  deleteEmptyAfter: v.nullable(seconds),
};

/** A room's own rules, beside those of its deployment. */
export type RoomSettings = { readonly [Field in keyof typeof SETTINGS]: v.InferOutput<(typeof SETTINGS)[Field]> };

/** Some of the settings, to be changed. */
export const roomSettings: v.GenericSchema<unknown, Partial<RoomSettings>> = v.strictObject({
  locked: v.exactOptional(SETTINGS.locked),
  origins: v.exactOptional(SETTINGS.origins),
  maxParticipants: v.exactOptional(SETTINGS.maxParticipants),
  maxParticipantsPerSubject: v.exactOptional(SETTINGS.maxParticipantsPerSubject),
  maxDocumentBytes: v.exactOptional(SETTINGS.maxDocumentBytes),
  deleteEmptyAfter: v.exactOptional(SETTINGS.deleteEmptyAfter),
});

/** Those of a room that nobody changed. */
export const INITIAL_ROOM_SETTINGS: RoomSettings = {
  locked: false,
  origins: null,
  maxParticipants: null,
  maxParticipantsPerSubject: null,
  maxDocumentBytes: null,
  deleteEmptyAfter: null,
};

/** @throws RoomfulError `invalid-argument`, naming the field */
export function parseModeration(value: unknown): Moderation {
  return parse(moderation, value);
}

/** Reads some of the settings. @throws RoomfulError `invalid-argument`, naming the field */
export function parseRoomSettings(value: unknown): Partial<RoomSettings> {
  return parse(roomSettings, value);
}

function parse<Output>(schema: v.GenericSchema<unknown, Output>, value: unknown): Output {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new RoomfulError("invalid-argument", v.getDotPath(result.issues[0]) ?? "not an object of the fields expected");
}
