import { RoomfulError } from "../../shared/errors.ts";
import { ROW_BYTES, SUBJECT_RULES } from "../../shared/limits.ts";
import { INITIAL_ROOM_SETTINGS, type RoomSettings } from "../../shared/moderation.ts";
import { type Capability, capabilitySet, type Grant, utf8Length } from "../../shared/rooms.ts";

/** A moderator's decisions about a subject. They hold whatever its token says. */
export interface SubjectRule {
  readonly isBanned?: true;
  readonly isMuted?: true;
  readonly capabilities?: readonly Capability[];
}

/** {@link State} as JSON, the form in which it is stored. */
interface StoredRules {
  readonly settings: RoomSettings;
  readonly insiders: readonly string[];
  readonly subjects: readonly (readonly [subject: string, rule: SubjectRule])[];
}

/** Decisions to make. `undefined` takes one back. */
export type RuleChanges = { readonly [Field in keyof SubjectRule]: SubjectRule[Field] | undefined };

/** Applies changes to a rule. */
export function amend(rule: SubjectRule, changes: RuleChanges): SubjectRule {
  return Object.fromEntries(Object.entries({ ...rule, ...changes }).filter(([, value]) => value !== undefined));
}

interface State {
  readonly settings: RoomSettings;
  /** The subjects that were in the room when it was locked: the lock lets them come back. */
  readonly insiders: ReadonlySet<string>;
  readonly subjects: ReadonlyMap<string, SubjectRule>;
}

/** The part of `Store` that keeps the rules. */
interface RulesStore {
  readRules(): string | null;
  writeRules(json: string): void;
}

const NO_RULE: SubjectRule = {};

/**
 * A room's own rules: its settings, and the decisions of moderators about subjects. They are read when first needed.
 * A change is written before it takes effect.
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

  /** The capabilities of a grant in this room, whether it may enter or not. @throws RoomfulError `room-too-new`, `storage-failed` */
  capabilitiesOf(grant: Grant): readonly Capability[] {
    return this.of(grant.subject).capabilities ?? grant.capabilities;
  }

  /**
   * Checks a grant against the rules, and returns the capabilities that its holder has here.
   * @param origin of the page; `null` when no page sent the request
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
   * Changes some of the room's settings.
   * @param insiders the subjects that are in the room: a lock keeps only others out
   * @throws RoomfulError `too-many-rules`, `room-too-new`, `storage-failed`
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

  /** Changes the rule of a subject. @throws RoomfulError `too-many-rules`, `room-too-new`, `storage-failed` */
  decide(subject: string, changes: RuleChanges): void {
    const subjects = new Map(this.#rules.subjects);
    const rule = amend(this.of(subject), changes);
    if (Object.keys(rule).length > 0) subjects.set(subject, rule);
    else subjects.delete(subject);
    if (subjects.size > SUBJECT_RULES) throw new RoomfulError("too-many-rules");
    this.#write({ ...this.#rules, subjects });
  }

  /** Forgets what was read. The room calls this once everything stored was deleted. */
  forget(): void {
    this.#state = undefined;
  }

  get #rules(): State {
    this.#state ??= parse(this.#store.readRules());
    return this.#state;
  }

  #write(state: State): void {
    const { settings, insiders, subjects } = state;
    const stored: StoredRules = { settings, insiders: [...insiders], subjects: [...subjects] };
    const json = JSON.stringify(stored);
    // Production refuses the row, the local runtime does not.
    if (utf8Length(json) > ROW_BYTES) throw new RoomfulError("too-many-rules");
    this.#store.writeRules(json);
    this.#state = state;
  }
}

/** A stored rule whose capabilities are a set. Earlier versions wrote lists of any length, which fit no attachment. */
function asSet(rule: SubjectRule): SubjectRule {
  return rule.capabilities === undefined ? rule : { ...rule, capabilities: capabilitySet(rule.capabilities) };
}

/** @throws RoomfulError `storage-failed` when the rules are damaged: nobody is admitted then */
function parse(json: string | null): State {
  try {
    const stored: Partial<StoredRules> = json === null ? {} : JSON.parse(json);
    return {
      settings: { ...INITIAL_ROOM_SETTINGS, ...stored.settings },
      insiders: new Set(stored.insiders),
      subjects: new Map(stored.subjects?.map(([subject, rule]) => [subject, asSet(rule)])),
    };
  } catch (cause) {
    throw new RoomfulError("storage-failed", "the room's rules can't be read", { cause });
  }
}
