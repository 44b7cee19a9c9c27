import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { codeOf } from "../../test/support/code-of.ts";
import { readSettings } from "../settings/settings.ts";
import { IceServerSource } from "./ice-servers.ts";

const TOKEN = "an-API-token-of-the-tests";
const KEY = { TURN_KEY_ID: "0123456789abcdef0123456789abcdef", TURN_KEY_TOKEN: TOKEN };
const COTURN = {
  TURN_URLS: "turn:relay.example.com:3478?transport=udp, turns:relay.example.com",
  TURN_SECRET: "a secret of coturn's",
};
/** As the service documents its answer. */
const ANSWER = {
  iceServers: [
    { urls: ["stun:stun.cloudflare.com:3478", "stun:stun.cloudflare.com:53"] },
    {
      urls: [
        "turn:turn.cloudflare.com:3478?transport=udp",
        "turn:turn.cloudflare.com:53?transport=udp",
        "turn:turn.cloudflare.com:80?transport=tcp",
        "turns:turn.cloudflare.com:443?transport=tcp",
      ],
      username: "minted user",
      credential: "minted credential",
    },
    { urls: "turn:turn.cloudflare.com:53", username: "u", credential: "c" },
  ],
};

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly body: string;
}

let stop: () => void = () => {};
afterEach(() => stop());

/** A server in the place of Cloudflare's. @param reply status and body; without one it never answers */
async function service(reply: () => readonly [status: number, body: string] | null) {
  const asked: Asked[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push({ method: request.method, url: request.url, authorization: request.headers.authorization, body });
    const answer = reply();
    if (answer === null) return;
    response.writeHead(answer[0], { "content-type": "application/json", location: "http://127.0.0.1:1/" });
    response.end(answer[1]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function source(settings: object, service = "http://127.0.0.1:1", clock = { now: 1_000_000_000_000 }) {
  const failures: string[] = [];
  const servers = new IceServerSource(readSettings({ AUTH: "open", ...settings }), {
    log: (_level, _event, fields) => failures.push(String(fields?.detail)),
    now: () => clock.now,
    service,
  });
  return { servers, failures, clock };
}

describe("ICE servers", () => {
  it("[ICE-2] none are told of unless they are set, and those that are set stand first", async () => {
    expect(await source({}).servers.servers(undefined)).toEqual({ iceServers: [] });
    const list = [
      { urls: "stun:stun.example.com:3478" },
      { urls: ["stun:[2001:db8::1]:3478", "stuns:stun.example.com"] },
    ];
    for (const ICE_SERVERS of [list, JSON.stringify(list)]) {
      expect(await source({ ICE_SERVERS }).servers.servers("ada")).toEqual({ iceServers: list });
      expect((await source({ ICE_SERVERS, ...COTURN }).servers.servers("ada")).iceServers.slice(0, 2)).toEqual(list);
    }
  });

  it.each([
    ["ICE_SERVERS", "{"],
    ["ICE_SERVERS", '{"urls":"stun:a.example"}'],
    ["ICE_SERVERS", '[{"urls":"https://a.example"}]'],
    ["ICE_SERVERS", '[{"urls":[]}]'],
    ["ICE_SERVERS", '[{"urls":"turn:a.example","username":"u","credential":"forever"}]'],
    ["ICE_SERVERS", '[{"urls":"stun:a.example","credential":"forever"}]'],
    ["TURN_URLS", "stun:a.example"],
    ["TURN_URLS", "turn:a.example?transport=sctp"],
    ["TURN_SECRET", "short"],
    ["TURN_TTL", "59"],
    ["TURN_TTL", "172801"],
    ["TURN_KEY_ID", "../../other"],
    ["TURN_KEY_TOKEN", "with\nline breaks, that is"],
  ])("[ICE-2] [ICE-6] %s = %s is refused when the Worker starts", (name, value) => {
    const partners = { ...(name.startsWith("TURN_KEY") ? KEY : name === "ICE_SERVERS" ? {} : COTURN), [name]: value };
    expect(codeOf(() => readSettings({ AUTH: "open", ...partners }))).toBe("misconfigured");
  });

  it("[ICE-6] a key or secret without its partner is refused, and no refusal repeats a secret", () => {
    for (const settings of [
      { TURN_SECRET: COTURN.TURN_SECRET },
      { TURN_URLS: COTURN.TURN_URLS },
      { TURN_KEY_TOKEN: TOKEN },
    ]) {
      expect(codeOf(() => readSettings(settings))).toBe("misconfigured");
    }
    for (const [name, value] of Object.entries({ TURN_SECRET: "tooshortsecret", TURN_KEY_TOKEN: "too short, too" })) {
      try {
        readSettings({ [name]: value });
      } catch (caught) {
        expect(String(caught)).toContain(name);
        expect(String(caught)).not.toContain(value);
        continue;
      }
      throw new Error(`${name} was taken`);
    }
  });

  it("[ICE-3] credentials for coturn are an end and a subject, signed with the secret, which is not among them", async () => {
    const { servers } = source({ ...COTURN, TURN_TTL: 600 });
    const told = await servers.servers("ada");
    const username = "1000000600:ada";
    const credential = createHmac("sha1", COTURN.TURN_SECRET).update(username).digest("base64");
    const urls = ["turn:relay.example.com:3478?transport=udp", "turns:relay.example.com"];
    expect(told).toEqual({ iceServers: [{ urls, username, credential }], iceExpiresIn: 600_000 });
    expect(JSON.stringify(told)).not.toContain(COTURN.TURN_SECRET);
    const nameless = (await servers.servers(undefined)).iceServers[0];
    expect(nameless?.username).toBe("1000000600:guest");
    const long = (await servers.servers("é".repeat(256))).iceServers[0]?.username ?? "";
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(508);
  });

  it("[ICE-4] Cloudflare's are minted by its API, without the ports that browsers block", async () => {
    const { asked, url } = await service(() => [201, JSON.stringify(ANSWER)]);
    const { servers, failures } = source({ ...KEY, TURN_TTL: 3_600 }, url);
    const told = await servers.servers("ada");
    expect(asked).toEqual([
      {
        method: "POST",
        url: `/v1/turn/keys/${KEY.TURN_KEY_ID}/credentials/generate-ice-servers`,
        authorization: `Bearer ${TOKEN}`,
        body: '{"ttl":3600}',
      },
    ]);
    expect(told).toEqual({
      iceServers: [
        { urls: ["stun:stun.cloudflare.com:3478"] },
        {
          urls: [
            "turn:turn.cloudflare.com:3478?transport=udp",
            "turn:turn.cloudflare.com:80?transport=tcp",
            "turns:turn.cloudflare.com:443?transport=tcp",
          ],
          username: "minted user",
          credential: "minted credential",
        },
      ],
      iceExpiresIn: 3_600_000,
    });
    expect([failures, JSON.stringify(told).includes(TOKEN)]).toEqual([[], false]);
  });

  it("[ICE-4] they are minted once for all who ask within half their time, however many ask at once", async () => {
    const { asked, url } = await service(() => [201, JSON.stringify(ANSWER)]);
    const { servers, clock } = source({ ...KEY, TURN_TTL: 3_600 }, url);
    await Promise.all([servers.servers("a"), servers.servers("b"), servers.servers("c")]);
    clock.now += 1_799_000;
    expect((await servers.servers("d")).iceExpiresIn).toBe(1_801_000);
    expect(asked).toHaveLength(1);
    clock.now += 1_000;
    expect((await servers.servers("e")).iceExpiresIn).toBe(3_600_000);
    expect(asked).toHaveLength(2);
  });

  it.each([
    ["an error", () => [500, "{}"] as const],
    ["a redirect", () => [302, "{}"] as const],
    ["what is no JSON", () => [201, "<html>"] as const],
    ["other JSON", () => [201, '{"iceServers":{"urls":1}}'] as const],
    ["too much", () => [201, `{"iceServers":[],"x":"${"x".repeat(70_000)}"}`] as const],
    ["no servers", () => [201, '{"iceServers":[]}'] as const],
    ["nothing", () => null],
  ])("[ICE-5] when the service answers %s, there are the others, with a warning", async (_what, reply) => {
    const { asked, url } = await service(reply);
    const { servers, failures, clock } = source({ ...KEY, ...COTURN }, url);
    const told = await servers.servers("ada");
    expect(told).toMatchObject({
      warning: "turn-unavailable",
      iceServers: [{ username: expect.stringMatching(/:ada$/) }],
    });
    expect(failures).toHaveLength(1);
    expect(failures.join()).not.toContain(TOKEN);
    await servers.servers("bob");
    expect(asked).toHaveLength(1);
    clock.now += 10_000;
    await servers.servers("bob");
    expect(asked).toHaveLength(2);
  });

  it("[ICE-5] in an outage credentials from before are told of for as long as they are good", async () => {
    let works = true;
    const { url } = await service(() => (works ? [201, JSON.stringify(ANSWER)] : [503, ""]));
    const { servers, clock } = source({ ...KEY, TURN_TTL: 3_600 }, url);
    await servers.servers("ada");
    works = false;
    clock.now += 3_000_000;
    expect(await servers.servers("ada")).toMatchObject({ iceExpiresIn: 600_000, iceServers: [{}, {}] });
    clock.now += 590_000;
    expect(await servers.servers("ada")).toEqual({ iceServers: [], warning: "turn-unavailable" });
  });
});
