import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { IceServers } from "../../shared/calls.ts";
import {
  type MessageFromRoom,
  parseMessageFromRoom,
  RESUME_PROTOCOL,
  ROOMFUL_PROTOCOL,
} from "../../shared/messages.ts";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import { Server } from "../support/server.ts";
import { until } from "../support/until.ts";

const FOLDER = ".cache/calls-docs";
const TURN_SECRET = "a-secret-of-the-tests";
const MEDIA = { audio: true, video: false, muted: false };
let server: Server;

beforeAll(async () => {
  server = await Server.start("TURN_URLS:turn:127.0.0.1:3478", `TURN_SECRET:${TURN_SECRET}`, "MAX_CALL_MEMBERS:2");
  mkdirSync(FOLDER, { recursive: true });
});

afterAll(() => server?.stop());

/** A client in the call, over a real network socket. */
class Caller {
  readonly messages: MessageFromRoom[] = [];
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.messages.push(parseMessageFromRoom(data.toString())));
    socket.on("error", () => {});
  }

  static async connect(room: string, resume?: string): Promise<Caller> {
    const offers = [ROOMFUL_PROTOCOL, ...(resume === undefined ? [] : [`${RESUME_PROTOCOL}${resume}`])];
    const caller = new Caller(new WebSocket(`${server.url}/${room}`, offers));
    await caller.heard("welcome");
    return caller;
  }

  static async join(room: string): Promise<Caller> {
    const caller = await Caller.connect(room);
    caller.tell({ type: "call-join", media: MEDIA });
    await caller.heard("call-joined");
    return caller;
  }

  get peer(): PeerId {
    return this.#welcome.peer;
  }

  get resume(): string {
    return this.#welcome.resume ?? "";
  }

  get #welcome() {
    const welcome = this.messages.find((message) => message.type === "welcome");
    if (welcome === undefined) throw new Error("not welcome");
    return welcome;
  }

  /** What it was last told of a peer; `null` when it left. */
  knows(peer: PeerId): Participant | null | undefined {
    return this.messages
      .filter((message) => message.type === "participants")
      .flatMap(({ present, left }) => [
        ...present.filter((each) => each.peer === peer),
        ...(left.includes(peer) ? [null] : []),
      ])
      .at(-1);
  }

  tell(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  async heard<Type extends MessageFromRoom["type"]>(type: Type): Promise<Extract<MessageFromRoom, { type: Type }>> {
    const find = () => this.messages.find((message) => message.type === type);
    await until(() => find() !== undefined, type);
    return find() as Extract<MessageFromRoom, { type: Type }>;
  }

  /** Ends the connection without a close frame. */
  cut(): void {
    this.#socket.terminate();
  }

  close(): void {
    this.#socket.close(1001);
  }
}

it("[RESUME-1] [RESUME-2] a connection that is cut keeps its place, one that is closed does not", async () => {
  const room = "resume";
  const [ada, bob] = [await Caller.join(room), await Caller.join(room)];
  await until(() => bob.knows(ada.peer)?.call !== undefined, "bob sees ada");
  ada.cut();
  await until(() => bob.knows(ada.peer)?.call?.state === "reconnecting", "bob sees that it is lost");
  const back = await Caller.connect(room, ada.resume);
  expect(back.peer).toBe(ada.peer);
  await until(() => bob.knows(ada.peer)?.call?.state === "connected", "bob sees that it is back");
  back.close();
  await until(() => bob.knows(ada.peer) === null, "bob sees that it left");
  bob.close();
});

it("[RESUME-6] a call outlives the death of every process of the server", async () => {
  const room = "outlive";
  const [ada, bob] = [await Caller.join(room), await Caller.join(room)];
  await server.kill();
  await server.restart();
  const [adaBack, bobBack] = [await Caller.connect(room, ada.resume), await Caller.connect(room, bob.resume)];
  expect([adaBack.peer, bobBack.peer]).toEqual([ada.peer, bob.peer]);
  adaBack.tell({ type: "offer", to: bob.peer, connection: "c", round: 2, description: { sdp: "v=0" } });
  expect((await bobBack.heard("offer")).from).toBe(ada.peer);
  adaBack.close();
  bobBack.close();
});

it("[CALL-5] the deployment says how many may be in a call", async () => {
  const members = [await Caller.join("cap"), await Caller.join("cap")];
  expect((await members[1]?.heard("call-joined"))?.maxMembers).toBe(2);
  const third = await Caller.connect("cap");
  third.tell({ type: "call-join", media: MEDIA });
  expect((await third.heard("error")).code).toBe("call-full");
  for (const each of [...members, third]) each.close();
});

it("[ICE-1] [ICE-3] a call, a request for fresh ones and HTTP tell credentials for coturn that end", async () => {
  const ada = await Caller.join("ice");
  ada.tell({ type: "ice-servers" });
  const http = await fetch(`http://127.0.0.1:${server.port}/api/rooms/ice/ice-servers`);
  expect([http.status, http.headers.get("cache-control")]).toEqual([200, "no-store"]);
  const told: IceServers[] = [
    await ada.heard("call-joined"),
    await ada.heard("ice-servers"),
    (await http.json()) as IceServers,
  ];
  for (const { iceServers, iceExpiresIn } of told) {
    const [{ urls, username = "", credential } = { urls: "" }] = iceServers;
    expect([urls, iceExpiresIn]).toEqual([["turn:127.0.0.1:3478"], 14_400_000]);
    expect(Math.abs(Number(username.split(":")[0]) - (Date.now() / 1000 + 14_400))).toBeLessThan(300);
    expect(credential).toBe(createHmac("sha1", TURN_SECRET).update(username).digest("base64"));
  }
  expect(JSON.stringify(told)).not.toContain(TURN_SECRET);
  ada.close();
});

it("[CALL-9] the ten lines of docs/calls.md find each other, without the library", async () => {
  const [, snippet = ""] = /^```js\n(const socket.*?)^```$/ms.exec(readFileSync("docs/calls.md", "utf8")) ?? [];
  expect(snippet.trimEnd().split("\n").length).toBeLessThanOrEqual(11);
  const script = snippet.replace("ws://localhost:8787/rooms", server.url);
  expect(script).toContain(server.url);
  const file = `${FOLDER}/signaling.mjs`;
  writeFileSync(file, script);
  const first = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const answered = untilPrinted(first, "offer v=0");
    const watcher = await Caller.connect("lobby");
    await until(
      () =>
        watcher.messages.some((message) => message.type === "participants" && message.present.some(({ call }) => call)),
      "the first one is in",
    );
    watcher.close();
    const second = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await Promise.all([answered, untilPrinted(second, "answer v=0")]);
    } finally {
      second.kill();
    }
  } finally {
    first.kill();
  }
});

async function untilPrinted({ stdout }: ChildProcess, text: string): Promise<void> {
  let printed = "";
  stdout?.on("data", (chunk: Buffer) => {
    printed += chunk;
  });
  await until(() => printed.includes(text), text);
}
