import { RoomfulError } from "../../shared/errors.ts";
import { SUBJECT_RULES } from "../../shared/limits.ts";
import { INITIAL_ROOM_SETTINGS, type RoomSettings } from "../../shared/moderation.ts";
import type { Capability, Grant } from "../../shared/rooms.ts";

/** What moderators decided about the holder of a token, whatever the token says. */
export interface SubjectRule {
  readonly isBanned?: true;
  readonly isMuted?: true;
  readonly capabilities?: readonly Capability[];
}

/** {@link State} as it is stored, in JSON. */
interface StoredRules {
  readonly settings: RoomSettings;
  readonly insiders: readonly string[];
  readonly subjects: readonly (readonly [subject: string, rule: SubjectRule])[];
}

/** `undefined` takes a decision back. */
export type RuleChanges = { readonly [Field in keyof SubjectRule]: SubjectRule[Field] | undefined };

/** A rule with some decisions more, or fewer. */
export function amend(rule: SubjectRule, changes: RuleChanges): SubjectRule {
  return Object.fromEntries(Object.entries({ ...rule, ...changes }).filter(([, value]) => value !== undefined));
}

interface State {
  readonly settings: RoomSettings;
  /** Who was in when the room was locked, and so isn't new. */
  readonly insiders: ReadonlySet<string>;
  readonly subjects: ReadonlyMap<string, SubjectRule>;
}

/** Keeps the rules, see `Store`. */
interface RulesStore {
  readRules(): string | null;
  writeRules(json: string): void;
}

const NO_RULE: SubjectRule = {};

/**
 * A room's own rules: its settings, and what moderators decided about subjects. Read when they are first needed; a
 * change is durable before it holds.
 */
export class Rules {
  readonly #store: RulesStore;
  #state: State | undefined;

  constructor(store: RulesStore) {
    this.#store = store;
  }

  get settings(): RoomSettings {
    return this.#rules.settings;
  }

  of(subject: string | undefined): SubjectRule {
    return (subject !== undefined && this.#rules.subjects.get(subject)) || NO_RULE;
  }

  /** What a grant allows here, whoever may enter. @throws RoomfulError `room-too-new`, `storage-failed` */
  capabilitiesOf(grant: Grant): readonly Capability[] {
    return this.of(grant.subject).capabilities ?? grant.capabilities;
  }

  /**
   * What somebody may do here who comes with a grant.
   * @param origin of the page that asks, when a browser does
   * @throws RoomfulError `banned`, `origin-not-allowed`, `room-locked`, `room-too-new`, `storage-failed`
   */
  admit(grant: Grant, origin: string | null): readonly Capability[] {
    const { settings, insiders } = this.#rules;
    const rule = this.of(grant.subject);
    if (rule.isBanned) throw new RoomfulError("banned");
    if (settings.origins !== null && origin !== null && !settings.origins.includes(origin)) {
      throw new RoomfulError("origin-not-allowed");
    }
    const capabilities = rule.capabilities ?? grant.capabilities;
    const isInsider = grant.subject !== undefined && insiders.has(grant.subject);
    if (settings.locked && !isInsider && !capabilities.includes("moderate")) throw new RoomfulError("room-locked");
    return capabilities;
  }

  /**
   * @param insiders the subjects that are in: a lock keeps only others out
   * @throws RoomfulError `room-too-new`, `storage-failed`
   */
  change(patch: Partial<RoomSettings>, insiders: Iterable<string>): RoomSettings {
    const rules = this.#rules;
    const settings = { ...rules.settings, ...patch };
    const isLocking = settings.locked && !rules.settings.locked;
    this.#write({
      ...rules,
      settings,
      insiders: isLocking ? new Set(insiders) : settings.locked ? rules.insiders : new Set(),
    });
    return settings;
  }

  /** Adds to what was decided about a subject. @throws RoomfulError `too-many-rules`, `room-too-new`, `storage-failed` */
  decide(subject: string, changes: RuleChanges): void {
    const subjects = new Map(this.#rules.subjects);
    const rule = amend(this.of(subject), changes);
    if (Object.keys(rule).length > 0) subjects.set(subject, rule);
    else subjects.delete(subject);
    if (subjects.size > SUBJECT_RULES) throw new RoomfulError("too-many-rules");
    this.#write({ ...this.#rules, subjects });
  }

  /** To be called once everything stored was deleted. */
  forget(): void {
    this.#state = undefined;
  }

  get #rules(): State {
    this.#state ??= parse(this.#store.readRules());
    return this.#state;
  }

  #write(state: State): void {
    const { settings, insiders, subjects } = state;
    this.#store.writeRules(
      JSON.stringify({ settings, insiders: [...insiders], subjects: [...subjects] } satisfies StoredRules),
    );
    this.#state = state;
  }
}

/** @throws RoomfulError `storage-failed`: rules that can't be read let nobody in */
function parse(json: string | null): State {
  try {
    const stored: Partial<StoredRules> = json === null ? {} : JSON.parse(json);
    return {
      settings: { ...INITIAL_ROOM_SETTINGS, ...stored.settings },
      insiders: new Set(stored.insiders),
      subjects: new Map(stored.subjects),
    };
  } catch (cause) {
    throw new RoomfulError("storage-failed", "the room's rules can't be read", { cause });
  }
}
