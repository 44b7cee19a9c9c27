import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { RoomProvider } from "../../client/index.ts";
import { enteringAs } from "../support/entering.ts";
import { Server } from "../support/server.ts";
import { until } from "../support/until.ts";

const SECRET = "the secret of a real server, of 32 bytes or more";

let server: Server;
let unconfigured: Server;
const ends: (() => void)[] = [];

beforeAll(async () => {
  [server, unconfigured] = await Promise.all([
    Server.start("AUTH:token", `TOKEN_SECRET:${SECRET}`, "LOG_LEVEL:info"),
    Server.start("AUTH:token", "LOG_LEVEL:info"),
  ]);
});
afterAll(async () => {
  for (const end of ends) end();
  await Promise.all([server, unconfigured].map((one) => one?.stop()));
});

/** Runs the command as a user does. @returns what it printed, and the code it ended with */
async function roomful(args: readonly string[], secret = SECRET) {
  const env = { ...process.env, TOKEN_SECRET: secret };
  const command = promisify(execFile)(process.execPath, ["backend/cli.ts", ...args], { env });
  return command.then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    ({ stdout, stderr, code }) => ({ stdout, stderr, code }) as { stdout: string; stderr: string; code: number },
  );
}

const tokens: string[] = [];

/** A token by the command. */
async function token(...args: readonly string[]): Promise<string> {
  const { stdout } = await roomful(["token", ...args]);
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  tokens.push(stdout.trim());
  return stdout.trim();
}

/** A stock provider with a document of its own. */
function stock(room: string, options: ConstructorParameters<typeof WebsocketProvider>[3]) {
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(server.url, room, doc, { disableBc: true, ...options });
  ends.push(() => provider.destroy());
  return { doc, provider, text: doc.getText("text") };
}

describe("a real server with tokens", () => {
  it("[AUTH-2] admits stock clients and our own, whichever way the token rides, by tokens of `roomful token`", async () => {
    const editor = await token("--room", "team/*", "--role", "editor", "--subject", "ada", "--expires", "15m");
    const doc = new Y.Doc();
    const own = new RoomProvider(server.url, "team/board", doc, { disableBc: true, token: async () => editor });
    ends.push(() => own.destroy());
    const byQuery = stock("team/board", { params: { token: editor } });
    const byProtocol = stock("team/board", { protocols: ["y-websocket", `roomful.bearer.${editor}`] });
    doc.getText("text").insert(0, "hello");
    await own.whenSaved();
    for (const { text } of [byQuery, byProtocol]) {
      await until(() => text.toString() === "hello", "the text");
    }
    byQuery.text.insert(5, "!");
    await until(() => doc.getText("text").toString() === "hello!", "the answer");
  });

  it("[SYNC-7] a viewer's link reads and does not write", async () => {
    const viewer = await token("--room", "team/board", "--role", "viewer");
    const reader = stock("team/board", { params: { token: viewer } });
    await until(() => reader.text.toString() === "hello!", "the text");
    reader.text.insert(0, "scribbled ");
    const other = stock("team/board", { params: { token: viewer } });
    await until(() => other.text.toString() === "hello!", "what the room has");
    expect(reader.provider.wsconnected).toBe(true);
  });

  it("[CLOSE-1] a stock client without a token stops at once, and is told why", async () => {
    const { provider } = stock("team/board", {});
    const closed: string[] = [];
    provider.on("connection-close", (event) => void closed.push(`${event?.code} ${event?.reason}`));
    await until(() => closed.length > 0, "a close");
    expect(closed).toEqual(["4401 unauthorized: a token is needed; see docs/security.md for where it may ride"]);
    expect(provider.shouldConnect).toBe(false);
  });

  it("[AUTH-5] refuses other rooms and other secrets", async () => {
    const narrow = await token("--room", "team/board", "--role", "viewer");
    expect(await enteringAs(narrow, `${server.url}/team/boards`)).toBe("4403 room-not-allowed");
    const { stdout } = await roomful(["token", "--room", "*", "--role", "moderator"], `${SECRET}, another`);
    tokens.push(stdout.trim());
    expect(await enteringAs(stdout.trim(), `${server.url}/team/board`)).toBe("4401 token-invalid");
  });

  it("[AUTH-2] no line of the server's output has a token or a part of one, or the secret", async () => {
    const [one] = tokens;
    const response = await fetch(
      `${server.url.replace("ws:", "http:").replace("rooms", "api/rooms")}/x/state?token=${one}`,
    );
    expect(response.status).toBe(403);
    await until(() => (server.output.match(/"event":"refused"/g) ?? []).length >= 4, "the refusals in the log");
    expect(server.output).toContain('"event":"opened"');
    expect(tokens.length).toBeGreaterThanOrEqual(4);
    for (const part of tokens.flatMap((each) => each.split(".").slice(1))) expect(server.output).not.toContain(part);
    expect(server.output).not.toContain(SECRET);
  });

  it("[AUTH-1] without a key it admits nobody, and log and client say which settings are missing", async () => {
    const any = await token("--room", "*", "--role", "moderator");
    expect(await enteringAs(any, `${unconfigured.url}/a`)).toBe("4401 tokens-not-configured");
    await until(() => unconfigured.output.includes("tokens-not-configured"), "the log");
    expect(unconfigured.output).toMatch(/set TOKEN_SECRET, TOKEN_PUBLIC_KEY or TOKEN_JWKS_URL, or AUTH to open/);
  });
});

describe("roomful token", () => {
  it("tells a wrong argument in words, prints no token then, and never the secret", async () => {
    for (const args of [
      ["--room", "a"],
      ["--room", "a//b", "--role", "viewer"],
      ["--rom", "a"],
    ]) {
      const { stdout, stderr, code } = await roomful(["token", ...args]);
      expect([stdout, code]).toEqual(["", 2]);
      expect(stderr).toMatch(/^roomful token: .+\nroomful token --help lists the options\.\n$/);
    }
    const weak = await roomful(["token", "--room", "a", "--role", "viewer"], "hunter2");
    expect([weak.stdout, weak.code]).toEqual(["", 2]);
    expect(weak.stderr).toContain("shorter than 32 bytes");
    expect(weak.stderr).not.toContain("hunter2");
    expect((await roomful(["token", "--help"])).stdout).toContain("--location-hint");
    expect((await roomful(["brew"])).code).toBe(2);
  });
});
