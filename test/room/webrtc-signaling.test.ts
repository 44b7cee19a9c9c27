import { evictDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import {
  SIGNALING_ID_CHARACTERS,
  SIGNALING_TOPICS,
  SUBJECT_CHARACTERS,
  TOPIC_CHARACTERS,
} from "../../shared/limits.ts";
import { CAPABILITIES, type Capability, type Grant, ROLES } from "../../shared/rooms.ts";
import { upgradeRequest } from "../../worker/access/admission.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { pause, until } from "../support/until.ts";
import { openRoomful, socketOf } from "./room-client.ts";
import { freshRoom, stubOf } from "./rooms.ts";
import { guarded, tokenOf } from "./test-tokens.ts";

const PING = '{"type":"ping"}';

interface Heard {
  readonly type: string;
  readonly topic?: string;
  readonly data?: unknown;
  readonly clients?: number;
  readonly code?: string;
}

/** A socket of the signaling for `y-webrtc`, whose messages are a protocol of their own: a stock 10.3 says the same. */
class SignalingClient {
  readonly heard: Heard[] = [];
  closed: number | null = null;
  readonly #socket: WebSocket;

  constructor(response: Response) {
    this.#socket = socketOf(response);
    this.#socket.addEventListener("message", ({ data }) => this.heard.push(JSON.parse(String(data))));
    this.#socket.addEventListener("close", ({ code }) => {
      this.closed = code;
    });
  }

  static async connect(room: string, grant?: Grant): Promise<SignalingClient> {
    if (grant === undefined) {
      const headers = { upgrade: "websocket" };
      return new SignalingClient(await exports.default.fetch(`https://example.com/signal/${room}`, { headers }));
    }
    const upgrade = upgradeRequest({ grant, subprotocol: null, origin: null, network: null, isSignaling: true });
    return new SignalingClient(await stubOf(room).fetch(upgrade));
  }

  /** One that is subscribed, and has said by which id it goes. */
  static async announced(room: string, id: string, { topic = "notes", grant }: { topic?: string; grant?: Grant } = {}) {
    const client = await SignalingClient.connect(room, grant);
    client.send({ type: "subscribe", topics: [topic] });
    client.publish({ type: "announce", from: id }, topic);
    await client.untilHeard(1);
    return client;
  }

  send(message: object | string): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes);
  }

  publish(data: unknown, topic = "notes"): void {
    this.send({ type: "publish", topic, data });
  }

  close(): void {
    this.#socket.close(1000);
  }

  get published(): Heard[] {
    return this.heard.filter(({ type }) => type === "publish");
  }

  get errors(): (string | undefined)[] {
    return this.heard.filter(({ type }) => type === "error").map(({ code }) => code);
  }

  async untilHeard(count: number): Promise<void> {
    await until(() => this.heard.length >= count, `${count} messages`);
  }

  /** Waits until everything that was sent before was handled. */
  async settled(): Promise<void> {
    const pongs = () => this.heard.filter(({ type }) => type === "pong").length;
    const before = pongs();
    // In other words than those that the runtime answers by itself.
    this.send('{"type": "ping"}');
    await until(() => pongs() > before, "a pong");
  }
}

const signal = (from: string, to: string, token = 1) => ({
  to,
  from,
  type: "signal",
  token,
  signal: { type: "offer", sdp: `v=0 ${token}` },
});

it("[SIG-1] the signaling is at /signal/<room>, for those who may call, and refuses by HTTP status", async () => {
  const room = freshRoom();
  const app = guarded();
  const ask = async (query: string, headers: Record<string, string> = { upgrade: "websocket" }) =>
    app.fetch(new Request(`https://example.com/signal/${room}${query}`, { headers }), env);
  const statusOf = async (response: Response | Promise<Response>) => (await response).status;
  expect(await statusOf(ask("", {}))).toBe(426);
  expect(await statusOf(ask(""))).toBe(401);
  expect(await statusOf(ask(`?token=${await tokenOf({ room, role: "viewer" })}`))).toBe(403);
  expect(await statusOf(ask(`?token=${await tokenOf({ room: "other" })}`))).toBe(403);
  expect(await statusOf(ask("", { upgrade: "websocket", "sec-websocket-protocol": "roomful.v1" }))).toBe(400);
  const admitted = await ask(`?token=${await tokenOf({ room })}`);
  expect(admitted.status).toBe(101);
  const client = new SignalingClient(admitted);
  client.send('{"type": "ping"}');
  await client.untilHeard(1);
});

it("[SIG-2] what is published goes to the topic's subscribers, its sender included, with how many they are", async () => {
  const room = freshRoom();
  const [one, two, three] = [
    await SignalingClient.connect(room),
    await SignalingClient.connect(room),
    await SignalingClient.connect(room),
  ];
  for (const client of [one, two]) client.send({ type: "subscribe", topics: ["notes", "more"] });
  three.send({ type: "subscribe", topics: ["more"] });
  for (const client of [one, two, three]) await client.settled();
  one.publish("bm90IHRvIGJlIHJlYWQ=");
  const expected = { type: "publish", topic: "notes", data: "bm90IHRvIGJlIHJlYWQ=", clients: 2 };
  await until(() => one.published.length === 1 && two.published.length === 1, "both hear it");
  await three.settled();
  expect([one.published, two.published, three.published]).toEqual([[expected], [expected], []]);
  two.send({ type: "unsubscribe", topics: ["notes"] });
  await two.settled();
  one.publish("again");
  await until(() => one.published.length === 2, "the sender hears it");
  await two.settled();
  expect([one.published[1]?.clients, two.published.length]).toEqual([1, 1]);
});

it("[SIG-3] a ping is answered, without waking the room when it is a stock client's", async () => {
  const room = freshRoom();
  const client = await SignalingClient.connect(room);
  const { boot, events } = await getRoom(env.ROOMS, room).statistics();
  client.send(PING);
  await client.untilHeard(1);
  expect(client.heard).toEqual([{ type: "pong" }]);
  expect(await getRoom(env.ROOMS, room).statistics()).toMatchObject({ boot, events: events + 1 });
});

it("[SIG-4] what is for one peer goes to it and back to its sender; what is for nobody known goes to all", async () => {
  const room = freshRoom();
  const one = await SignalingClient.announced(room, "id-1");
  const two = await SignalingClient.announced(room, "id-2");
  const three = await SignalingClient.announced(room, "id-3");
  const before = [one, two, three].map(({ published }) => published.length);
  one.publish(signal("id-1", "id-2"));
  await until(() => two.published.length > (before[1] ?? 0), "the addressee hears it");
  expect(two.published.at(-1)).toEqual({ type: "publish", topic: "notes", data: signal("id-1", "id-2"), clients: 3 });
  one.publish(signal("id-1", "id-unknown"));
  await until(() => three.published.length > (before[2] ?? 0), "all hear it");
  const after = [one, two, three].map(({ published }) => published.length);
  expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([2, 2, 1]);
});

it("[SIG-4] who comes back under its id is reached, although its former socket looks open", async () => {
  const room = freshRoom();
  const one = await SignalingClient.announced(room, "id-1");
  await SignalingClient.announced(room, "id-2");
  const back = await SignalingClient.announced(room, "id-2");
  one.publish(signal("id-1", "id-2"));
  await until(() => back.published.some(({ data }) => JSON.stringify(data).includes("offer")), "it is reached");
});

it("[SIG-5] nobody publishes under an id that another subject goes by", async () => {
  const room = freshRoom();
  const as = (subject: string): Grant => ({ subject, capabilities: ROLES.editor });
  const ada = await SignalingClient.announced(room, "id-ada", { grant: as("ada") });
  const bob = await SignalingClient.announced(room, "id-bob", { grant: as("bob") });
  const eve = await SignalingClient.announced(room, "id-eve", { grant: as("eve") });
  const before = [ada, bob].map(({ published }) => published.length);
  eve.publish(signal("id-ada", "id-bob"));
  eve.publish({ type: "announce", from: "id-ada" });
  await until(() => eve.errors.length === 2, "eve is answered");
  expect(eve.errors).toEqual(["forbidden", "forbidden"]);
  bob.publish(signal("id-bob", "id-ada", 7));
  await until(() => ada.published.length > (before[0] ?? 0), "ada hears bob");
  expect(ada.published.at(-1)?.data).toEqual(signal("id-bob", "id-ada", 7));
  expect(bob.published.length - (before[1] ?? 0)).toBe(1);
  expect(JSON.stringify(eve.published)).not.toContain("v=0 7");
});

it.each<[string, (client: SignalingClient) => void, string]>([
  ["text that is no JSON", (client) => client.send("{"), "malformed-message"],
  ["null", (client) => client.send("null"), "malformed-message"],
  ["an unknown type", (client) => client.send({ type: "shout" }), "malformed-message"],
  ["a topic that is none", (client) => client.send({ type: "subscribe", topics: [1] }), "malformed-message"],
  ["bytes", (client) => client.sendBytes(new Uint8Array([0, 0, 1, 0])), "malformed-message"],
  ["too large a message", (client) => client.publish("x".repeat(70_000)), "malformed-message"],
  ["too long a topic", (client) => client.publish("x", "t".repeat(201)), "malformed-message"],
  ["too long an id", (client) => client.publish({ type: "announce", from: "x".repeat(65) }), "malformed-message"],
  ["too deep a value", (client) => client.publish(JSON.parse("[".repeat(100) + "]".repeat(100))), "malformed-message"],
  [
    "too many topics",
    (client) => client.send({ type: "subscribe", topics: Array.from({ length: SIGNALING_TOPICS }, (_, n) => `t${n}`) }),
    "too-many-topics",
  ],
])(
  "[SIG-6] %s: answered to the sender, who is closed if it goes on; nobody else is disturbed",
  async (_what, send, code) => {
    const room = freshRoom();
    const bad = await SignalingClient.announced(room, "id-bad");
    const [one, two] = [await SignalingClient.announced(room, "id-1"), await SignalingClient.announced(room, "id-2")];
    const [ofOne, ofTwo] = [one.heard.length, two.heard.length];
    send(bad);
    await until(() => bad.errors.length === 1, "an answer");
    expect([bad.errors, bad.closed]).toEqual([[code], null]);
    for (let times = 0; times < 10; times++) send(bad);
    await until(() => bad.closed !== null, "closed");
    expect([one.heard.length, two.heard.length]).toEqual([ofOne, ofTwo]);
    one.publish(signal("id-1", "id-2"));
    await until(() => two.published.length === ofTwo + 1, "the others go on");
    expect(two.published.at(-1)?.clients).toBe(2);
  },
);

it("[SIG-7] those who signal are nobody in the room, sleep with it, and have topics of their own in each", async () => {
  const room = freshRoom();
  const handle = getRoom(env.ROOMS, room);
  const [one, two] = [await SignalingClient.announced(room, "id-1"), await SignalingClient.announced(room, "id-2")];
  const elsewhere = await SignalingClient.announced(freshRoom(), "id-3");
  const participant = await openRoomful(room);
  const { boot } = await handle.statistics();
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  const before = [one.published.length, elsewhere.published.length];
  two.publish(signal("id-2", "id-1"));
  await until(() => one.published.length === (before[0] ?? 0) + 1, "it is heard");
  const statistics = await handle.statistics();
  expect(statistics.boot).not.toBe(boot);
  expect(statistics).toMatchObject({
    connections: { roomful: 1, stock: 0, signaling: 2 },
    callMembers: 0,
    document: { loads: 0 },
    storage: { rowsWritten: 0 },
  });
  expect(await handle.participants()).toHaveLength(1);
  expect([elsewhere.published.length, participant.frames]).toEqual([before[1], []]);
  one.close();
  two.close();
  while ((await handle.statistics()).connections.signaling > 0) await pause(5);
});

it("[SIG-7] the largest of everything that an attachment holds fits into it, and hibernates", async () => {
  const room = freshRoom();
  const wide = (length: number, start = "") => start.padEnd(length, "\u{4e2d}");
  const subject = wide(SUBJECT_CHARACTERS);
  const grant: Grant = { capabilities: CAPABILITIES, subject, name: subject, expiresAt: 253_402_300_799_000 };
  const client = await SignalingClient.connect(room, grant);
  const topics = Array.from({ length: SIGNALING_TOPICS }, (_, index) => wide(TOPIC_CHARACTERS, `${index}`));
  client.send({ type: "subscribe", topics });
  const id = wide(SIGNALING_ID_CHARACTERS);
  for (const topic of topics) client.publish({ type: "announce", from: id }, topic);
  await client.untilHeard(topics.length);
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  client.publish({ type: "announce", from: id, to: id }, topics[0]);
  await client.untilHeard(topics.length + 1);
  expect([client.errors, client.closed]).toEqual([[], null]);
});

it("[SIG-7] a socket whose close wakes the room is nobody's either", async () => {
  const room = freshRoom();
  const one = await SignalingClient.announced(room, "id-1");
  await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
  one.close();
  await until(() => one.closed !== null, "the room's close frame");
  expect((await getRoom(env.ROOMS, room).statistics()).connections).toEqual({ roomful: 0, stock: 0, signaling: 0 });
});

it.each<[string, number, (room: string) => Promise<unknown>]>([
  [
    "loses the right to call",
    4403,
    async (room) => {
      const ada = (await getRoom(env.ROOMS, room).participants()).find(({ subject }) => subject === "ada");
      if (ada === undefined) throw new Error("ada is not in");
      const capabilities: Capability[] = ["read"];
      await getRoom(env.ROOMS, room).moderate({ action: "set-capabilities", peer: ada.peer, capabilities });
    },
  ],
  [
    "is kicked",
    4403,
    async (room) => {
      const ada = (await getRoom(env.ROOMS, room).participants()).find(({ subject }) => subject === "ada");
      if (ada === undefined) throw new Error("ada is not in");
      await getRoom(env.ROOMS, room).moderate({ action: "kick", peer: ada.peer });
    },
  ],
  ["is banned", 4403, (room) => getRoom(env.ROOMS, room).moderate({ action: "ban", subject: "ada" })],
  ["has its room deleted", 4410, (room) => getRoom(env.ROOMS, room).delete()],
])("[SIG-8] who %s signals no more", async (_what, code, act) => {
  const room = freshRoom();
  const grant = { subject: "ada", capabilities: ROLES.editor };
  const ada = await SignalingClient.announced(room, "id-ada", { grant });
  await openRoomful(room, grant);
  await act(room);
  await until(() => ada.closed !== null, "closed");
  expect(ada.closed).toBe(code);
  expect((await getRoom(env.ROOMS, room).statistics()).connections.signaling).toBe(0);
});

it("[SIG-8] after its token's end nothing is taken from a socket, or delivered to it", async () => {
  const room = freshRoom();
  const expiresAt = Date.now() + 3_000;
  const expiring = (): Grant => ({ capabilities: ROLES.editor, expiresAt });
  const [speaker, listener] = [
    await SignalingClient.announced(room, "id-1", { grant: expiring() }),
    await SignalingClient.announced(room, "id-2", { grant: expiring() }),
  ];
  const other = await SignalingClient.announced(room, "id-3");
  const before = [other.published.length, listener.published.length];
  await pause(expiresAt + 50 - Date.now());
  speaker.publish("late");
  await until(() => speaker.closed === 4501, "the speaker is closed");
  other.publish("for all");
  await until(() => listener.closed === 4501, "the listener is closed");
  expect([other.published.length - (before[0] ?? 0), listener.published.length - (before[1] ?? 0)]).toEqual([1, 0]);
});

it("[SIG-9] a flood closes its sender, is refused at the door for a while, and hurts nobody else", async () => {
  const room = freshRoom();
  const [one, two] = [await SignalingClient.announced(room, "id-1"), await SignalingClient.announced(room, "id-2")];
  const grant = { subject: "eve", capabilities: ROLES.editor };
  const eve = await SignalingClient.announced(room, "id-eve", { grant, topic: "elsewhere" });
  try {
    for (let sent = 0; sent < 60_000 && eve.closed === null; sent++) {
      eve.publish("x".repeat(60_000), "nobody");
      if (sent % 500 === 499) await pause(0);
    }
  } catch {
    // It was closed while it sent.
  }
  await until(() => eve.closed !== null, "closed");
  expect(eve.closed).toBe(4529);
  const upgrade = upgradeRequest({ grant, subprotocol: null, origin: null, network: null, isSignaling: true });
  expect((await stubOf(room).fetch(upgrade)).status).toBe(429);
  const before = two.published.length;
  one.publish(signal("id-1", "id-2"));
  await until(() => two.published.length === before + 1, "the others go on");
});
