import * as v from "valibot";
import { closeArguments, describe, type ErrorCode, RoomfulError } from "../../shared/errors.ts";
import {
  SIGNALING_ID_CHARACTERS,
  SIGNALING_TOPICS,
  STRIKES,
  TEXT_MESSAGE_BYTES,
  TOPIC_CHARACTERS,
} from "../../shared/limits.ts";
import { PONG } from "../../shared/messages.ts";
import type { Grant, Json } from "../../shared/rooms.ts";
import { type Admission, accountOf } from "../access/admission.ts";
import type { Rules } from "../access/rules.ts";
import type { Budget, Kind } from "../metering/budget.ts";
import type { Limiter } from "../metering/limiter.ts";
import { eventCost, messageCost, refusalCost } from "../metering/prices.ts";
import type { Refusals } from "../metering/refusals.ts";
import { isPlainJson } from "../runtime/json.ts";

/** Marks the sockets that speak this protocol, among all of the object's. */
export const WEBRTC_TAG = "webrtc";

const ATTACHMENT_VERSION = "webrtc.1";

/** State of a socket that survives hibernation in its attachment. */
interface SignalingState {
  readonly version: typeof ATTACHMENT_VERSION;
  readonly grant: Grant;
  /** Key for rate-limit debt once the socket is gone. */
  readonly account: string | null;
  /** The topics it subscribed to, with the peer id that it goes by in each, once it said so. */
  readonly topics: ReadonlyMap<string, string | null>;
  readonly strikes: number;
}

const topic = v.pipe(v.string(), v.minLength(1), v.maxLength(TOPIC_CHARACTERS));
/** Ten times as many as one socket may have: a stock client repeats itself. */
const topics = v.pipe(v.array(topic), v.maxLength(10 * SIGNALING_TOPICS));

const MESSAGE = v.variant("type", [
  v.object({ type: v.literal("subscribe"), topics }),
  v.object({ type: v.literal("unsubscribe"), topics }),
  v.object({ type: v.literal("publish"), topic, data: v.unknown() }),
  v.object({ type: v.literal("ping") }),
]);

/** The part of what a stock client publishes that says who it is from and for; it is not there when it is encrypted. */
const ADDRESSED = v.object({ from: v.optional(v.string()), to: v.optional(v.string()) });

interface WebrtcSignalingOptions {
  readonly rules: Rules;
  readonly refusals: Refusals;
  readonly limiter: Limiter;
}

/**
 * The signaling protocol of stock `y-webrtc` clients, at `/signal/<room>`: sockets subscribe to topics, and what is
 * published to a topic goes to its subscribers. They are nobody in the room; topics are the room's own.
 *
 * A message for one peer goes to the sockets that go by its id, and back to its sender, which expects it; what names
 * nobody known, or is encrypted, goes to everybody.
 */
export class WebrtcSignaling {
  readonly #options: WebrtcSignalingOptions;
  readonly #states = new Map<WebSocket, SignalingState>();
  readonly #budgets = new WeakMap<WebSocket, Budget>();

  /** @param sockets those that outlived the object */
  constructor(sockets: Iterable<WebSocket>, options: WebrtcSignalingOptions) {
    this.#options = options;
    for (const socket of sockets) {
      const state = socket.deserializeAttachment() as SignalingState | null;
      if (state?.version === ATTACHMENT_VERSION) this.#states.set(socket, state);
      else socket.close(1012, "the room was updated");
    }
  }

  get size(): number {
    return this.#states.size;
  }

  /** How many there are, of one subject if one is named. */
  count(subject?: string): number {
    if (subject === undefined) return this.size;
    return [...this.#states.values()].filter(({ grant }) => grant.subject === subject).length;
  }

  has(socket: WebSocket): boolean {
    return this.#states.has(socket);
  }

  /** @param socket that was accepted with {@link WEBRTC_TAG} */
  open(socket: WebSocket, admission: Admission): void {
    const { grant } = admission;
    const account = accountOf(admission);
    this.#keep(socket, { version: ATTACHMENT_VERSION, grant, account, topics: new Map(), strikes: 0 });
  }

  /** Forgets a socket that closed. @returns whether it was one of these */
  remove(socket: WebSocket): boolean {
    const state = this.#states.get(socket);
    const budget = this.#budgets.get(socket);
    if (state !== undefined && budget !== undefined) this.#options.limiter.remember(state.account, budget);
    return this.#states.delete(socket);
  }

  /** Takes a message. What is wrong with it is answered to its sender alone, who may be closed for it. */
  handle(socket: WebSocket, message: ArrayBuffer | string): void {
    const state = this.#states.get(socket);
    if (state === undefined || !this.#isAllowed(socket, state)) return;
    const size = typeof message === "string" ? message.length : message.byteLength;
    if (!this.#spend(socket, "messages", messageCost(size))) return;
    try {
      this.#carryOut(socket, state, parse(message));
    } catch (caught) {
      const refusal = caught instanceof RoomfulError ? caught : new RoomfulError("internal");
      this.#refuse(socket, refusal.code);
    }
  }

  /** Closes everybody, or the sockets of one subject. */
  end(code: ErrorCode, subject?: string): void {
    for (const [socket, { grant }] of [...this.#states]) {
      if (subject === undefined || grant.subject === subject) this.#close(socket, code);
    }
  }

  /** Closes the sockets whose subject may not call any more. */
  enforceRights(): void {
    for (const [socket, state] of [...this.#states]) this.#isAllowed(socket, state);
  }

  #carryOut(socket: WebSocket, state: SignalingState, message: v.InferOutput<typeof MESSAGE>): void {
    switch (message.type) {
      case "subscribe":
        this.#subscribe(socket, state, message.topics);
        return;
      case "unsubscribe": {
        const rest = [...state.topics].filter(([topic]) => !message.topics.includes(topic));
        this.#keep(socket, { ...state, topics: new Map(rest) });
        return;
      }
      case "publish":
        if (!isPlainJson(message.data)) throw new RoomfulError("malformed-message");
        this.#publish(socket, state, message.topic, message.data as Json);
        return;
      case "ping":
        // Only a ping in other words than the one that the runtime answers gets here.
        send(socket, PONG);
        return;
      default:
        message satisfies never;
    }
  }

  #subscribe(socket: WebSocket, state: SignalingState, wanted: readonly string[]): void {
    const topics = new Map<string, string | null>(wanted.map((topic) => [topic, state.topics.get(topic) ?? null]));
    for (const [topic, id] of state.topics) topics.set(topic, id);
    if (topics.size === state.topics.size) return;
    if (topics.size > SIGNALING_TOPICS) throw new RoomfulError("too-many-topics");
    this.#keep(socket, { ...state, topics });
  }

  #publish(socket: WebSocket, state: SignalingState, topic: string, data: Json): void {
    const subscribers = [...this.#states].filter(([, { topics }]) => topics.has(topic));
    const { from, to } = v.is(ADDRESSED, data) ? data : {};
    if (from !== undefined) this.#learn(socket, state, topic, from, subscribers);
    const known = to === undefined ? [] : subscribers.filter(([, { topics }]) => topics.get(topic) === to);
    const receivers =
      known.length === 0 ? subscribers : subscribers.filter((each) => known.includes(each) || each[0] === socket);
    const message = JSON.stringify({ type: "publish", topic, data, clients: subscribers.length });
    for (const [receiver, { grant }] of receivers) {
      if (isExpired(grant)) this.#close(receiver, "session-expired");
      else send(receiver, message);
    }
    this.#spend(socket, "messages", eventCost(message.length, receivers.length));
  }

  /**
   * Remembers by which id a socket goes. Another socket of the same subject may go by it too: a stock client keeps its id
   * when it comes back, and its former socket may not be known to be dead.
   * @throws RoomfulError `forbidden` when it is another subject's
   */
  #learn(
    socket: WebSocket,
    state: SignalingState,
    topic: string,
    from: string,
    subscribers: readonly [WebSocket, SignalingState][],
  ): void {
    if (from.length > SIGNALING_ID_CHARACTERS) throw new RoomfulError("malformed-message");
    for (const [, other] of subscribers) {
      if (other.topics.get(topic) === from && other.grant.subject !== state.grant.subject)
        throw new RoomfulError("forbidden");
    }
    if (!state.topics.has(topic) || state.topics.get(topic) === from) return;
    this.#keep(socket, { ...state, topics: new Map(state.topics).set(topic, from) });
  }

  /** Whether a socket may still signal; one that may not is closed. */
  #isAllowed(socket: WebSocket, { grant }: SignalingState): boolean {
    const code = isExpired(grant)
      ? "session-expired"
      : this.#options.rules.capabilitiesOf(grant).includes("call")
        ? null
        : "forbidden";
    if (code !== null) this.#close(socket, code);
    return code === null;
  }

  #refuse(socket: WebSocket, code: ErrorCode): void {
    this.#options.refusals.count(code);
    // A stock client passes over what it does not know.
    send(socket, JSON.stringify({ type: "error", code, message: describe(code) }));
    if (!this.#spend(socket, "refusals", refusalCost(code))) return;
    const state = this.#states.get(socket);
    if (state === undefined) return;
    if (state.strikes >= STRIKES) this.#close(socket, code);
    else this.#keep(socket, { ...state, strikes: state.strikes + 1 });
  }

  #keep(socket: WebSocket, state: SignalingState): void {
    this.#states.set(socket, state);
    if (socket.readyState === WebSocket.OPEN) socket.serializeAttachment(state);
  }

  /** @returns whether the socket is still there */
  #spend(socket: WebSocket, kind: Kind, cost: number): boolean {
    const budget = this.#budgets.get(socket) ?? this.#options.limiter.newBudget();
    this.#budgets.set(socket, budget);
    if (budget.spend(kind, cost) !== "spent") return true;
    this.#options.refusals.count("rate-limited");
    this.#close(socket, "rate-limited");
    return false;
  }

  #close(socket: WebSocket, code: ErrorCode): void {
    this.remove(socket);
    socket.close(...closeArguments(code));
  }
}

/** @throws RoomfulError `malformed-message` */
function parse(message: ArrayBuffer | string): v.InferOutput<typeof MESSAGE> {
  if (typeof message !== "string" || message.length > TEXT_MESSAGE_BYTES) throw new RoomfulError("malformed-message");
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    throw new RoomfulError("malformed-message");
  }
  const result = v.safeParse(MESSAGE, value);
  if (!result.success) throw new RoomfulError("malformed-message");
  return result.output;
}

function send(socket: WebSocket, message: string): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  try {
    socket.send(message);
  } catch {
    socket.close(1011, "a message could not be sent");
  }
}

function isExpired({ expiresAt }: Grant): boolean {
  return expiresAt !== undefined && expiresAt <= Date.now();
}
