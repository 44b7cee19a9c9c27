import { SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Problem } from "../../client/index.ts";
import { BareRoomServer } from "../support/bare-room-server.ts";
import { destroyAll, provide } from "../support/client-world.ts";
import { pause, until } from "../support/until.ts";

const SECRET = "a secret of the tests, 32 bytes long or more";
/** Seconds for which a token is still taken after its end. */
const TOLERANCE = 60;

let server: BareRoomServer;
let url: string;
let rooms = 0;
const freshRoom = () => `tokens/${++rooms}`;

beforeAll(async () => {
  server = await BareRoomServer.start({ settings: { AUTH: "token", TOKEN_SECRET: SECRET } });
  url = await server.url();
});
afterEach(destroyAll);
afterAll(() => server?.stop());

/** A token that is taken for some seconds more. */
function token(seconds: number, claims: object = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + seconds - TOLERANCE;
  return new SignJWT({ room: "*", role: "editor", sub: "ada", exp, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SECRET));
}

it("[GRANT-2] a provider renews its token in place before the end, and its connection never breaks", async () => {
  const tokens: string[] = [];
  const { provider, text } = provide(url, freshRoom(), {
    token: async () => {
      const fresh = await token(12);
      tokens.push(fresh);
      return fresh;
    },
  });
  let closes = 0;
  provider.on("connection-close", () => closes++);
  const rights: unknown[] = [];
  provider.connection.on("capabilities", (capabilities) => rights.push(capabilities));
  await until(() => tokens.length >= 4, "three renewals", 60_000);
  text.insert(0, "long after the first token");
  await provider.whenSaved();
  expect(closes).toBe(0);
  expect(rights.length).toBeGreaterThanOrEqual(3);
  expect(provider.connection.participants).toMatchObject([
    { subject: "ada", capabilities: ["read", "write", "call", "publish"] },
  ]);
});

it("[GRANT-2] a renewal may bring fewer rights: then edits are refused, not lost", async () => {
  let role = "editor";
  const { provider, text } = provide(url, freshRoom(), { token: () => token(8, { role }) });
  text.insert(0, "as an editor");
  await provider.whenSaved();
  role = "viewer";
  await until(() => provider.connection.capabilities.length === 1, "a viewer now", 30_000);
  const rejected = new Promise((resolve) => provider.once("rejected", resolve));
  text.insert(0, "as a viewer ");
  expect(await rejected).toMatchObject({ code: "forbidden" });
  const { doc, refused } = await provider.rebuilt();
  expect([doc.getText("text").toString(), refused.length > 2]).toEqual(["as an editor", true]);
});

it("[GRANT-2] another subject's token is refused, and the session goes on to its end", async () => {
  let sub = "ada";
  const problems: Problem[] = [];
  const { provider } = provide(url, freshRoom(), { token: () => token(8, { sub }), subject: "ada" });
  provider.on("problem", (problem) => problems.push(problem));
  await until(() => provider.synced, "synced");
  sub = "eve";
  await until(() => problems.length > 0, "the refusal", 30_000);
  expect(problems[0]).toMatchObject({ source: "room", code: "forbidden" });
  expect(provider.connection.participants).toMatchObject([{ subject: "ada" }]);
});

it("[GRANT-1] a token that is not renewed ends the connection, and the provider comes again with a fresh one", async () => {
  const room = freshRoom();
  const { provider, text } = provide(url, room, { token: await token(6) });
  let fresh = 0;
  const renewing = provide(url, room, {
    token: () => {
      fresh++;
      return token(3_600, { sub: "bob" });
    },
  });
  await until(() => provider.synced && renewing.provider.synced, "both are in");
  const closed = new Promise<CloseEvent | null>((resolve) =>
    provider.once("connection-close", (event) => resolve(event)),
  );
  const ended = new Promise<{ code: number; reason: string }>((resolve) => provider.once("closed", resolve));
  await until(
    () => {
      renewing.text.insert(0, "x");
      return provider.wsconnected === false;
    },
    "the first token is over",
    15_000,
  );
  expect((await closed)?.code).toBe(4501);
  // The token that it has is over, which is for good.
  expect(await ended).toEqual({ code: 4401, reason: expect.stringMatching(/^token-expired: /) });
  expect([fresh, text.length < renewing.text.length]).toEqual([1, true]);
});

it("a moderator's provider changes another's rights, and a kicked provider stops", async () => {
  const room = freshRoom();
  const moderator = provide(url, room, { token: await token(600, { role: "moderator", sub: "mod" }) });
  const other = provide(url, room, { token: await token(600, { sub: "bob", name: "Bob" }) });
  await until(() => moderator.provider.connection.participants.length === 2 && other.provider.synced, "both are in");
  const bob = moderator.provider.connection.participants.find(({ name }) => name === "Bob");
  if (bob === undefined) throw new Error("Bob is not known");
  moderator.provider.connection.moderate({
    action: "set-capabilities",
    peer: bob.peer,
    capabilities: ["read", "publish"],
  });
  await until(() => other.provider.connection.capabilities.length === 2, "told");
  const heard = new Promise((resolve) => moderator.provider.connection.once("event", resolve));
  other.provider.connection.publish({ wave: true });
  expect(await heard).toEqual({ from: bob.peer, data: { wave: true } });
  moderator.provider.connection.changeSettings({ locked: true });
  const handle = await server.room(room);
  while (!(await handle.getSettings()).locked) await pause(5);
  const ended = new Promise((resolve) => other.provider.once("closed", resolve));
  moderator.provider.connection.moderate({ action: "kick", peer: bob.peer });
  expect(await ended).toMatchObject({ code: 4403 });
  expect(() => other.provider.connection.publish(1)).toThrow("not-connected");
});
