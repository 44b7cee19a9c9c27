import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as Y from "yjs";
import {
  encodeAwareness,
  encodeQueryAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
} from "../../shared/frames.ts";
import { PING } from "../../shared/messages.ts";
import { BareRoomServer } from "../support/bare-room-server.ts";
import { readTable } from "../support/markdown-table.ts";
import { NodeClient } from "../support/node-client.ts";
import { until } from "../support/until.ts";

type Sent = Uint8Array | string;

const STEP_1 = encodeSyncStep1(new Uint8Array([0]));
const SECRET = "the secret of the matrix, which has 64 bytes, enough for HS512 too";
const OWN_ID = 7;
const OTHERS_ID = 8;

const security = readFileSync("docs/security.md", "utf8");
const [SOCKETS, HTTP] = [readTable(security, "socket"), readTable(security, "HTTP")];

let server: BareRoomServer;
let url: string;

beforeAll(async () => {
  server = await BareRoomServer.start({ settings: { AUTH: "token", TOKEN_SECRET: SECRET, TOKEN_AUDIENCE: "rooms" } });
  url = await server.url();
});
afterAll(() => server?.stop());

const fromNow = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

/** A moderator's token for the rooms of this test, but for what is said otherwise. */
function tokenOf(claims: object = {}, alg = "HS256"): Promise<string> {
  const all = { room: "matrix/*", role: "moderator", sub: "them", aud: "rooms", exp: fromNow(600), ...claims };
  if (alg === "none") {
    const [header, payload] = [{ alg }, all].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
    return Promise.resolve(`${header}.${payload}.`);
  }
  return new SignJWT(all).setProtectedHeader({ alg }).sign(new TextEncoder().encode(SECRET));
}

/** Whose token each row is about. All but the last two would be a moderator's. */
const TOKENS: Readonly<Record<string, () => Promise<string | undefined>>> = {
  "no token": async () => undefined,
  expired: () => tokenOf({ exp: fromNow(-300) }),
  "not yet valid": () => tokenOf({ nbf: fromNow(300) }),
  "wrong audience": () => tokenOf({ aud: "another app" }),
  "wrong algorithm": () => tokenOf({}, "HS512"),
  "alg none": () => tokenOf({}, "none"),
  "wrong room": () => tokenOf({ room: "elsewhere/*" }),
  moderator: () => tokenOf(),
  viewer: () => tokenOf({ role: "viewer" }),
  editor: () => tokenOf({ role: "editor" }),
};

/** A room's content, and edits of it. */
function content() {
  const doc = new Y.Doc();
  doc.clientID = 1;
  doc.getText("text").insert(0, "what the room holds");
  const base = Y.encodeStateAsUpdate(doc);
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  doc.getText("text").delete(0, 4);
  doc.getText("text").insert(0, "more");
  const [deletion, insertion] = updates;
  if (deletion === undefined || insertion === undefined) throw new Error("no edits");
  return { base, deletion, insertion, whole: Y.encodeStateAsUpdate(doc) };
}
const { base, deletion, insertion, whole } = content();

interface Situation {
  /** The client's token; empty when it has none. */
  readonly token: string;
  /** Somebody else in the room. */
  readonly otherPeer: string;
}

/** What a client sends in each column. */
const SENT: Readonly<Record<string, (situation: Situation) => readonly Sent[]>> = {
  "step 1": () => [STEP_1],
  "step 2 with changes": () => [encodeSyncStep2(whole)],
  "step 2 without changes": () => [encodeSyncStep2(base)],
  update: () => [encodeUpdate(deletion), encodeUpdate(insertion)],
  "own awareness": () => [awarenessOf(OWN_ID, 1, { name: "own" })],
  "other's awareness": () => [awarenessOf(OWN_ID, 1, { name: "own" }), awarenessOf(OTHERS_ID, 99, { name: "forged" })],
  "query awareness": () => [encodeQueryAwareness()],
  ping: () => [PING],
  probed: () => [JSON.stringify({ type: "probed", nonce: 1 })],
  auth: ({ token }) => [JSON.stringify({ type: "auth", token })],
  event: () => [JSON.stringify({ type: "event", data: "hello" })],
  moderate: ({ otherPeer }) => [
    JSON.stringify({ type: "moderate", moderation: { action: "mute", peer: otherPeer, muted: true } }),
  ],
  settings: () => [JSON.stringify({ type: "settings", settings: { locked: true } })],
  "call-join": () => [JSON.stringify({ type: "call-join", media: { audio: true, video: false, muted: false } })],
  offer: ({ otherPeer }) => [
    JSON.stringify({ type: "offer", to: otherPeer, connection: "c", round: 1, description: { sdp: "v=0" } }),
  ],
  "ice-servers": () => [JSON.stringify({ type: "ice-servers" })],
};

/** What each column asks for by HTTP. */
const CALLS: Readonly<Record<string, { readonly path: string; readonly init?: RequestInit }>> = {
  "GET state": { path: "state" },
  "GET state-vector": { path: "state-vector" },
  "GET json": { path: "json?root=text:text" },
  "POST updates": { path: "updates", init: { method: "POST", body: insertion as Uint8Array<ArrayBuffer> } },
  "GET participants": { path: "participants" },
  "GET statistics": { path: "statistics" },
  "POST events": { path: "events", init: { method: "POST", body: '"hello"' } },
  "GET settings": { path: "settings" },
  "PUT settings": { path: "settings", init: { method: "PUT", body: '{"locked":true}' } },
  "POST moderation": { path: "moderation", init: { method: "POST", body: '{"action":"ban","subject":"eve"}' } },
  "DELETE room": { path: "", init: { method: "DELETE" } },
  "GET ice-servers": { path: "ice-servers" },
};

let rooms = 0;

/** A room with content, and how to learn whether that is still the same: state vector and deletions. */
async function preparedRoom() {
  rooms++;
  const name = `matrix/${rooms}`;
  const room = await server.room(name);
  await room.applyUpdate(base);
  const snapshot = async () => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await room.getState());
    return { vector: Y.encodeStateVector(doc), all: Y.encodeSnapshot(Y.snapshot(doc)) };
  };
  const before = await snapshot();
  return { name, room, isSame: async () => isEqual(before, await snapshot()) };
}

function isEqual(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function awarenessOf(clientId: number, clock: number, state: object): Uint8Array {
  return encodeAwareness([{ clientId, clock, state: new TextEncoder().encode(JSON.stringify(state)) }]);
}

/** The name in the state that a client was last sent of a client id. */
function nameOf(client: NodeClient, clientId: number): string | undefined {
  return (client.presence.get(clientId) as { readonly name: string } | null | undefined)?.name;
}

/** The fate of a sync frame, as its client was told. `saved` speaks of those up to its number that were not rejected. */
function fateOf(client: NodeClient, frame: number): string | undefined {
  for (const message of client.messages) {
    if (message.type === "rejected" && message.frame === frame) return `rejected ${message.code}`;
    if (message.type === "saved" && message.frame >= frame) return "saved";
  }
  return undefined;
}

/** Waits until the room has handled all that was sent. @returns what had arrived before, or how the socket was closed */
async function fence(client: NodeClient, answersBefore: number): Promise<Frame[] | string> {
  const answers = () => client.frames.flatMap((frame, index) => (frame.type === "sync-step-2" ? [index] : []));
  await until(() => answers().length > answersBefore || client.closed !== null, "the fence's answer");
  const end = answers()[answersBefore] ?? 0;
  // The room asks a client that may write before it answers.
  const isAsked = client.frames[end - 1]?.type === "sync-step-1";
  return client.refusal ?? client.frames.slice(0, isAsked ? end - 1 : end);
}

/** Sends what a column says, and tells what came of it in the words of the table. */
async function socketOutcome(row: string, column: string, isStock: boolean): Promise<string> {
  const token = await TOKENS[row]?.();
  const { name, room, isSame } = await preparedRoom();
  const other = await NodeClient.open(`${url}/${name}`, { token: await tokenOf({ sub: "other" }) });
  for (const one of [awarenessOf(OTHERS_ID, 1, { name: "other" }), STEP_1]) other.send(one);
  await fence(other, 0);
  const client = await NodeClient.open(`${url}/${name}`, { ...(token !== undefined && { token }), isStock });
  const sent = SENT[column]?.({ token: token ?? "", otherPeer: (await other.heard("welcome")).peer }) ?? [];
  for (const one of [...sent, STEP_1]) client.send(one);
  const frames = await fence(client, column === "step 1" ? 1 : 0);
  const outcome = new Set<string>();
  if (typeof frames === "string") outcome.add(frames);
  else {
    const fates: string[] = [];
    if (/step 2|update/.test(column) && !isStock) {
      for (const frame of sent.keys()) {
        await until(() => fateOf(client, frame + 1) !== undefined, "saved or rejected");
        fates.push(fateOf(client, frame + 1) ?? "");
      }
    }
    if (column === "auth" && !isStock) await client.heard("grant");
    if (column === "ping") await client.heard("pong");
    if (!(await isSame())) outcome.add("kept");
    for (const { type } of frames) {
      if (type === "sync-step-2") outcome.add("document");
      else if (type === "sync-step-1") outcome.add("step 1");
      else if (type === "auth") outcome.add("auth");
      else if (type === "awareness" && column === "query awareness") outcome.add("presence");
    }
    for (const message of client.messages) {
      if (message.type === "error") outcome.add(`error ${message.code}`);
      else if (message.type === "pong") outcome.add("pong");
      else if (message.type === "grant") outcome.add("grant");
      else if (message.type === "call-joined") outcome.add("in the call");
      else if (message.type === "ice-servers") outcome.add("ICE servers");
    }
    if ((await room.getSettings()).locked) outcome.add("locked");
    if ((await room.participants()).some(({ isMuted }) => isMuted)) outcome.add("muted");
    for (const fate of fates) outcome.add(fate);
    for (const one of [encodeQueryAwareness(), STEP_1]) other.send(one);
    await fence(other, 1);
    if (column === "own awareness") {
      await until(() => nameOf(other, OWN_ID) === "own", "to be shown").then(
        () => outcome.add("shown"),
        () => {},
      );
    }
    if (other.messages.some(({ type }) => type === "event" || type === "offer")) outcome.add("heard");
    if ([other, client].some((one) => nameOf(one, OTHERS_ID) === "forged")) outcome.add("forged");
  }
  if (!(await isSame())) outcome.add("kept");
  for (const one of [client, other]) one.cut();
  return [...outcome].join(", ") || "nothing";
}

async function httpOutcome(row: string, column: string): Promise<string> {
  const token = await TOKENS[row]?.();
  const { name, room, isSame } = await preparedRoom();
  const call = CALLS[column];
  const path = `${url.replace("ws:", "http:").replace(/rooms$/, "api/rooms")}/${encodeURIComponent(name)}${call?.path && `/${call.path}`}`;
  const headers = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const response = await fetch(path, { ...call?.init, ...(headers && { headers }) });
  const code = response.ok ? "" : ` ${((await response.json()) as { error: { code: string } }).error.code}`;
  const isGone = (await room.getStateVector()).length === 1;
  const isLocked = (await room.getSettings()).locked;
  const change = isGone ? ", gone" : (await isSame()) ? (isLocked ? ", locked" : "") : ", kept";
  return `${response.status}${code}${change}`;
}

describe("the authorization matrix of docs/security.md", () => {
  it("has a row for each token, and a column for each thing to do", () => {
    for (const { columns, rows } of [SOCKETS, HTTP]) {
      expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(TOKENS).sort());
      expect([Object.keys(SENT), Object.keys(CALLS)]).toContainEqual(columns);
    }
  });

  it.each(SOCKETS.rows)("[AUTH-9] on a socket: $name", async ({ name, cells }) => {
    for (const [column, cell] of Object.entries(cells)) {
      const [stock, roomful = stock] = cell.split(" / ");
      expect([column, "stock", await socketOutcome(name, column, true)]).toEqual([column, "stock", stock]);
      expect([column, "roomful.v1", await socketOutcome(name, column, false)]).toEqual([column, "roomful.v1", roomful]);
    }
  });

  it.each(HTTP.rows)("[AUTH-9] by HTTP: $name", async ({ name, cells }) => {
    for (const [column, cell] of Object.entries(cells)) {
      expect([column, await httpOutcome(name, column)]).toEqual([column, cell]);
    }
  });
});
