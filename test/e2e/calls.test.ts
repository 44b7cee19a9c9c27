import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { IceServers } from "../../shared/calls.ts";
import { RESUME_PROTOCOL } from "../../shared/messages.ts";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import { NodeClient } from "../support/node-client.ts";
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

interface Caller {
  readonly client: NodeClient;
  readonly peer: PeerId;
  /** The secret with which it comes back. */
  readonly resume: string;
}

async function enter(room: string, former?: string): Promise<Caller> {
  const offers = former === undefined ? [] : [`${RESUME_PROTOCOL}${former}`];
  const client = await NodeClient.open(`${server.url}/${room}`, { offers });
  const { peer, resume = "" } = await client.heard("welcome");
  return { client, peer, resume };
}

async function joinCall(room: string): Promise<Caller> {
  const caller = await enter(room);
  caller.client.tell({ type: "call-join", media: MEDIA });
  await caller.client.heard("call-joined");
  return caller;
}

/** The newest that a client was told of a peer; `null` when the peer left. */
function toldOf(client: NodeClient, peer: PeerId): Participant | null | undefined {
  return client
    .messagesOf("participants")
    .flatMap(({ present, left }) => [
      ...present.filter((each) => each.peer === peer),
      ...(left.includes(peer) ? [null] : []),
    ])
    .at(-1);
}

it("[RESUME-1] [RESUME-2] a connection that is cut keeps its place, one that is closed does not", async () => {
  const room = "resume";
  const [ada, bob] = [await joinCall(room), await joinCall(room)];
  await until(() => toldOf(bob.client, ada.peer)?.call !== undefined, "bob sees ada");
  ada.client.cut();
  await until(() => toldOf(bob.client, ada.peer)?.call?.state === "reconnecting", "bob sees that it is lost");
  const back = await enter(room, ada.resume);
  expect(back.peer).toBe(ada.peer);
  await until(() => toldOf(bob.client, ada.peer)?.call?.state === "connected", "bob sees that it is back");
  back.client.close(1001);
  await until(() => toldOf(bob.client, ada.peer) === null, "bob sees that it left");
  bob.client.close(1001);
});

it("[RESUME-6] a call outlives the death of every process of the server", async () => {
  const room = "outlive";
  const [ada, bob] = [await joinCall(room), await joinCall(room)];
  await server.kill();
  await server.restart();
  const [adaBack, bobBack] = [await enter(room, ada.resume), await enter(room, bob.resume)];
  expect([adaBack.peer, bobBack.peer]).toEqual([ada.peer, bob.peer]);
  adaBack.client.tell({ type: "offer", to: bob.peer, connection: "c", round: 2, description: { sdp: "v=0" } });
  expect((await bobBack.client.heard("offer")).from).toBe(ada.peer);
  adaBack.client.close(1001);
  bobBack.client.close(1001);
});

it("[CALL-5] the deployment says how many may be in a call", async () => {
  const members = [await joinCall("cap"), await joinCall("cap")];
  expect((await members[1]?.client.heard("call-joined"))?.maxMembers).toBe(2);
  const third = await enter("cap");
  third.client.tell({ type: "call-join", media: MEDIA });
  expect((await third.client.heard("error")).code).toBe("call-full");
  for (const each of [...members, third]) each.client.close(1001);
});

it("[ICE-1] [ICE-3] a call, a request for fresh ones and HTTP tell credentials for coturn that end", async () => {
  const ada = await joinCall("ice");
  ada.client.tell({ type: "ice-servers" });
  const http = await fetch(`http://127.0.0.1:${server.port}/api/rooms/ice/ice-servers`);
  expect([http.status, http.headers.get("cache-control")]).toEqual([200, "no-store"]);
  const told: IceServers[] = [
    await ada.client.heard("call-joined"),
    await ada.client.heard("ice-servers"),
    (await http.json()) as IceServers,
  ];
  for (const { iceServers, iceExpiresIn } of told) {
    const [{ urls, username = "", credential } = { urls: "" }] = iceServers;
    expect([urls, iceExpiresIn]).toEqual([["turn:127.0.0.1:3478"], 14_400_000]);
    expect(Math.abs(Number(username.split(":")[0]) - (Date.now() / 1000 + 14_400))).toBeLessThan(300);
    expect(credential).toBe(createHmac("sha1", TURN_SECRET).update(username).digest("base64"));
  }
  expect(JSON.stringify(told)).not.toContain(TURN_SECRET);
  ada.client.close(1001);
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
    const watcher = await enter("lobby");
    await until(
      () =>
        watcher.client.messages.some(
          (message) => message.type === "participants" && message.present.some(({ call }) => call),
        ),
      "the first one is in",
    );
    watcher.client.close(1001);
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
