import type { Settings } from "../settings/settings.ts";
import type { Rules } from "./rules.ts";

/** A room's limits: the deployment's, or the room's own where these are lower. */
export class RoomLimits {
  readonly #settings: Settings;
  readonly #rules: Rules;

  constructor(settings: Settings, rules: Rules) {
    this.#settings = settings;
    this.#rules = rules;
  }

  /** Bytes of the largest document. @throws RoomfulError `storage-failed`, as all of these do */
  get documentBytes(): number {
    return least(this.#settings.MAX_DOCUMENT_BYTES, this.#rules.settings.maxDocumentBytes);
  }

  get participants(): number {
    return least(this.#settings.MAX_PARTICIPANTS, this.#rules.settings.maxParticipants);
  }

  get participantsPerSubject(): number {
    return least(this.#settings.MAX_PARTICIPANTS_PER_SUBJECT, this.#rules.settings.maxParticipantsPerSubject);
  }

  /** Seconds after which an empty room is deleted; 0 for never. A room may set more as well as less. */
  get deleteEmptyAfter(): number {
    return this.#rules.settings.deleteEmptyAfter ?? this.#settings.DELETE_EMPTY_AFTER;
  }
}

function least(limit: number, own: number | null): number {
  return own === null ? limit : Math.min(limit, own);
}
