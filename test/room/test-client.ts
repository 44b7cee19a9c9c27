/** What the tests inside workerd connect to a room with: a socket that keeps what it hears, and a Y.Doc if wanted. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import * as Y from "yjs";
import { errorCodeOf } from "../../shared/errors.ts";
import {
  decodeFrame,
  encodeAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
} from "../../shared/frames.ts";
import {
  type MessageFromRoom,
  parseMessageFromRoom,
  RESUME_PROTOCOL,
  ROOMFUL_PROTOCOL,
} from "../../shared/messages.ts";
import type { Grant } from "../../shared/rooms.ts";
import { upgradeRequest } from "../../worker/access/admission.ts";
import type { StoredDocument } from "../../worker/storage/stored-document.ts";

let rooms = 0;

/** A room name that no other test uses. */
export function freshRoom(): string {
  rooms++;
  return `room/${crypto.randomUUID()}/${rooms}`;
}

/** The stub of a room, for the helpers that take one. */
export const stubOf = (room: string) => env.ROOMS.getByName(room);

/** The code with which a call is refused. */
export function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(() => "nothing thrown", errorCodeOf);
}

/** Lets everything go on for a while. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Lets the time of everything pass that waits in a room, which sleeps over it. @returns whether an alarm was set */
export async function passDeadlines(room: string, { alarm = true } = {}): Promise<boolean> {
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  await runInDurableObject(stubOf(room), async (_object, { storage }) => {
    storage.sql.exec("UPDATE deadline SET at = 1 WHERE at IS NOT NULL").toArray();
  });
  return alarm && runDurableObjectAlarm(stubOf(room));
}

/** Waits until something holds. @throws when it does not within the time */
export async function until(holds: () => boolean, what: string, milliseconds = 5_000): Promise<void> {
  for (let waited = 0; !holds(); waited += 2) {
    if (waited > milliseconds) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await pause(2);
  }
}

/** Lets so many in, who ask for nothing and say nothing, that a single edit is followed by a whole window. */
export async function bringCrowd(room: string): Promise<void> {
  await Promise.all(Array.from({ length: 60 }, () => TestClient.connect(room)));
}

interface ConnectOptions {
  /** Subprotocols to offer. None: a stock client. */
  readonly protocols?: readonly string[];
  /** A grant other than the one that the deployment gives to everybody. */
  readonly grant?: Grant;
  /** The secret of a former socket. */
  readonly resume?: string;
}

export class TestClient {
  readonly frames: Frame[] = [];
  readonly messages: MessageFromRoom[] = [];
  closed: { code: number; reason: string } | null = null;
  readonly subprotocol: string | null;
  /** Whether it proves that it reads: by an answer to a probe, or, as a stock client, to step 1. */
  answersProbes: boolean;
  readonly #socket: WebSocket;
  #number = 0;

  private constructor(response: Response) {
    if (response.webSocket === null) throw new Error(`no socket: ${response.status}`);
    this.subprotocol = response.headers.get("sec-websocket-protocol");
    this.answersProbes = this.subprotocol === ROOMFUL_PROTOCOL;
    this.#socket = response.webSocket;
    this.#socket.accept({ allowHalfOpen: false });
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.messages.push(parseMessageFromRoom(data));
      else this.frames.push(decodeFrame(new Uint8Array(data as ArrayBuffer)));
      if (this.answersProbes) this.#answerProbe(typeof data === "string");
    });
    this.#socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
    });
  }

  static async connect(room: string, { protocols = [], grant, resume }: ConnectOptions = {}): Promise<TestClient> {
    if (grant !== undefined) {
      const subprotocol = protocols[0] === ROOMFUL_PROTOCOL ? ROOMFUL_PROTOCOL : null;
      const resumed = resume === undefined ? {} : { resume };
      const upgrade = upgradeRequest({ grant, subprotocol, origin: null, network: null, ...resumed });
      return new TestClient(await env.ROOMS.getByName(room).fetch(upgrade));
    }
    const headers = new Headers({ upgrade: "websocket" });
    const offers = resume === undefined ? protocols : [...protocols, `${RESUME_PROTOCOL}${resume}`];
    if (offers.length > 0) headers.set("sec-websocket-protocol", offers.join(", "));
    return new TestClient(await exports.default.fetch(`https://example.com/rooms/${room}`, { headers }));
  }

  /** A client of the subprotocol `roomful.v1`. */
  static roomful(room: string, grant?: Grant, resume?: string): Promise<TestClient> {
    return TestClient.connect(room, {
      protocols: [ROOMFUL_PROTOCOL],
      ...(grant && { grant }),
      ...(resume !== undefined && { resume }),
    });
  }

  /** Sends a text message. */
  tell(message: object): void {
    this.send(JSON.stringify(message));
  }

  /** Waits for the nth message of a type. */
  async heard<Type extends MessageFromRoom["type"]>(
    type: Type,
    nth = 1,
  ): Promise<Extract<MessageFromRoom, { type: Type }>> {
    await until(() => this.messagesOf(type).length >= nth, `${nth} × ${type}`);
    const message = this.messagesOf(type)[nth - 1];
    if (message === undefined) throw new Error(type);
    return message;
  }

  #answerProbe(isText: boolean): void {
    const message = this.messages.at(-1);
    if (isText && message?.type === "probe") this.send(JSON.stringify({ type: "probed", nonce: message.nonce }));
    const isStock = this.subprotocol !== ROOMFUL_PROTOCOL;
    if (!isText && isStock && this.frames.at(-1)?.type === "sync-step-1") this.sendStep2(new Uint8Array([0, 0]));
  }

  send(data: Uint8Array | string): void {
    this.#socket.send(data);
  }

  /** Sends an update frame. @returns its number on this socket */
  sendUpdate(update: Uint8Array): number {
    this.send(encodeUpdate(update));
    return ++this.#number;
  }

  sendStep2(update: Uint8Array): number {
    this.send(encodeSyncStep2(update));
    return ++this.#number;
  }

  sendPresence(clientId: number, clock: number, state: unknown): void {
    const bytes = state === null ? null : new TextEncoder().encode(JSON.stringify(state));
    this.send(encodeAwareness([{ clientId, clock, state: bytes }]));
  }

  close(code = 1000): void {
    this.#socket.close(code);
  }

  /** Asks for the document and waits for the answer. @returns the document as an update */
  async sync(stateVector = new Uint8Array([0])): Promise<Uint8Array> {
    const before = this.framesOf("sync-step-2").length;
    this.send(encodeSyncStep1(stateVector));
    await until(() => this.framesOf("sync-step-2").length > before || this.closed !== null, "an answer to step 1");
    const answer = this.framesOf("sync-step-2")[before];
    if (answer === undefined) throw new Error(`closed: ${JSON.stringify(this.closed)}`);
    return answer.update;
  }

  framesOf<Type extends Frame["type"]>(type: Type): Extract<Frame, { type: Type }>[] {
    return this.frames.filter((frame) => frame.type === type) as Extract<Frame, { type: Type }>[];
  }

  messagesOf<Type extends MessageFromRoom["type"]>(type: Type): Extract<MessageFromRoom, { type: Type }>[] {
    return this.messages.filter((message) => message.type === type) as Extract<MessageFromRoom, { type: Type }>[];
  }

  /** The highest frame number that was acknowledged. */
  get saved(): number {
    return this.messagesOf("saved").at(-1)?.frame ?? 0;
  }

  async untilSaved(frame: number): Promise<void> {
    await until(() => this.saved >= frame, `frame ${frame} saved`);
  }

  /** Presence as this client sees it: the newest entry for each client id. */
  get presence(): Map<number, unknown> {
    const states = new Map<number, unknown>();
    for (const { entries } of this.framesOf("awareness")) {
      for (const { clientId, state } of entries) {
        states.set(clientId, state === null ? null : JSON.parse(new TextDecoder().decode(state)));
      }
    }
    return states;
  }
}

/** A Y.Doc whose edits are collected, one update per transaction. */
export function editedDoc(clientId?: number): { doc: Y.Doc; take: () => Uint8Array } {
  const doc = new Y.Doc();
  if (clientId !== undefined) doc.clientID = clientId;
  let updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  const take = () => {
    const taken = updates.length === 1 && updates[0] !== undefined ? updates[0] : Y.mergeUpdates(updates);
    updates = [];
    return taken;
  };
  return { doc, take };
}

/** The update that inserts a text into a new document. */
export function textUpdate(text: string, clientId?: number): Uint8Array {
  const { doc, take } = editedDoc(clientId);
  doc.getText("text").insert(0, text);
  return take();
}

/** What a room that met no damage reads from its storage. */
export function storedDocument({
  snapshot,
  updates = [],
}: {
  snapshot?: Uint8Array;
  updates?: readonly Uint8Array[];
}): StoredDocument {
  const stateVector = snapshot === undefined ? null : Y.encodeStateVectorFromUpdate(snapshot);
  return {
    snapshot: snapshot === undefined ? null : { state: snapshot, stateVector },
    updates,
    damage: [],
    whole: true,
  };
}

/** The document that updates amount to. */
export function docOf(...updates: Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
}

/** The state of a document with every kind of content that Yjs writes. */
export function everything(): Uint8Array {
  const { doc } = editedDoc(3);
  const text = doc.getText("text");
  text.insert(0, "aé😀");
  text.insert(1, "bold", { bold: true, link: { href: "x" } });
  text.insertEmbed(2, { image: ["a", null] });
  text.delete(1, 3);
  const map = doc.getMap("map");
  for (const [key, value] of Object.entries({
    a: 1,
    b: -70_000,
    c: 1.5,
    d: 0.1,
    e: 2n ** 60n,
    f: true,
    g: null,
    h: undefined,
    i: "s",
  })) {
    map.set(key, value);
  }
  map.set("bytes", new Uint8Array([1, 2, 3]));
  map.set("nested", { deep: [{ deeper: [new Uint8Array([1]), "x"] }] });
  map.set("type", new Y.Map([["array", new Y.Array()]]));
  const xml = doc.getXmlFragment("xml");
  const element = new Y.XmlElement("p");
  element.setAttribute("class", "x");
  xml.push([element, new Y.XmlText("t")]);
  doc.getArray("list").push([1, 2, 3]);
  doc.getArray("list").delete(0, 2);
  return Y.encodeStateAsUpdate(doc);
}
