import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { exportSPKI, generateKeyPair } from "jose";
import * as prng from "lib0/prng";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getRoom } from "../../worker/room/namespace.ts";
import { freshRoom } from "./rooms.ts";
import { enter, forged, guarded, outcomeOf, SECRET, secondsNow, tokenOf } from "./test-tokens.ts";

const outcome = async (...args: Parameters<typeof enter>) => outcomeOf(await enter(...args));

describe("a deployment with AUTH token", () => {
  it("[AUTH-1] admits nobody while it has no key, and says which settings are missing", async () => {
    const app = guarded({ TOKEN_SECRET: "" });
    for (const token of [undefined, await tokenOf()]) {
      const refused = await enter(app, freshRoom(), token === undefined ? {} : { token });
      expect(refused).toMatchObject({ code: 4401, subprotocol: "roomful.v1" });
      expect("reason" in refused && refused.reason).toMatch(
        /^tokens-not-configured: .*TOKEN_SECRET, TOKEN_PUBLIC_KEY or TOKEN_JWKS_URL/,
      );
    }
    const response = await app.request("/api/rooms/a/state", {}, env);
    expect(response.status).toBe(401);
    expect(await response.text()).toContain("TOKEN_SECRET, TOKEN_PUBLIC_KEY or TOKEN_JWKS_URL");
  });

  it("[AUTH-2] takes the token as subprotocol, header or query, and never answers with it", async () => {
    const app = guarded();
    const token = await tokenOf();
    for (const by of ["subprotocol", "header", "query"] as const) {
      expect(await outcome(app, freshRoom(), { token, by })).toBe("welcome");
    }
    expect(await outcome(app, freshRoom())).toBe("unauthorized");
  });

  it("[AUTH-2] two different tokens in one request are refused, the same one twice is not", async () => {
    const app = guarded();
    const [one, two] = [await tokenOf({ sub: "one" }), await tokenOf({ sub: "two" })];
    const asked = (header: string, query: string) =>
      app.request(`/api/rooms/a/state?token=${query}`, { headers: { authorization: `Bearer ${header}` } }, env);
    expect((await asked(one, one)).status).toBe(200);
    const refused = await asked(one, two);
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain("different tokens");
    expect((await app.request(`/api/rooms/a/state?token=${one}&token=${two}`, {}, env)).status).toBe(401);
  });

  it("[AUTH-4] grants what role or capabilities say, with subject, in the welcome", async () => {
    const app = guarded();
    const capabilitiesOf = async (claims: object) => {
      const entered = await enter(app, freshRoom(), { token: await tokenOf({ ...claims }) });
      return "welcome" in entered ? entered.welcome.capabilities : entered.reason.split(":")[0];
    };
    expect(await capabilitiesOf({ role: "viewer" })).toEqual(["read"]);
    expect(await capabilitiesOf({ role: "moderator" })).toEqual(["read", "write", "call", "publish", "moderate"]);
    expect(await capabilitiesOf({ role: undefined, capabilities: ["call", "read"] })).toEqual(["read", "call"]);
    for (const claims of [
      { role: undefined },
      { role: "admin" },
      { role: "constructor" },
      { role: ["editor"] },
      { role: "viewer", capabilities: ["write"] },
      { role: undefined, capabilities: ["read", "everything"] },
      { role: undefined, capabilities: [] },
      { role: undefined, capabilities: "write" },
      { sub: 1 },
      { sub: "x".repeat(257) },
      { room: undefined },
      { room: 1 },
      { exp: undefined },
      { exp: "tomorrow" },
      { exp: 1e300 },
      { jurisdiction: "moon" },
    ]) {
      expect([claims, await capabilitiesOf(claims)]).toEqual([claims, "token-invalid"]);
    }
  });

  it("[AUTH-5] a token opens the rooms of its pattern, whatever the URL's encoding", async () => {
    const app = guarded();
    const may = async (room: string, path: string) => outcome(app, path, { token: await tokenOf({ room }) });
    const cases: [pattern: string, path: string, outcome: string][] = [
      ["a/b", "a/b", "welcome"],
      ["a/b", "a%2Fb", "welcome"],
      ["a/b", "%61/%62", "welcome"],
      ["a/b", "a%252Fb", "room-not-allowed"],
      ["a/b", "A/B", "room-not-allowed"],
      ["a/b", "a/b/c", "room-not-allowed"],
      ["a/b", "a/bc", "room-not-allowed"],
      ["a/*", "a/b", "welcome"],
      ["a/*", "a/b/c", "welcome"],
      ["a/*", "a", "room-not-allowed"],
      ["a/*", "ab", "room-not-allowed"],
      ["a/*", "a%252Fb", "room-not-allowed"],
      ["a/*", "b/../a/c", "welcome"], // the URL parser resolves it to a/c before anybody sees it
      ["a/*", "a/../b", "room-not-allowed"],
      ["a/*", "a/%2e%2e/b", "room-not-allowed"],
      ["a/*", "a/%2e%2e%2fb", "bad-room-name"],
      ["a/*", "a%2f%2e%2e%2fb", "bad-room-name"],
      ["a/*", "a%2f..%2fb", "bad-room-name"],
      ["a/*", "a/%252e%252e/b", "welcome"], // a room below a/ whose name has percent signs
      ["a/*", "a//b", "bad-room-name"],
      ["a/*", "a%5Cb", "room-not-allowed"],
      ["a*", "ab", "welcome"],
      ["a*", "b", "room-not-allowed"],
      ["*", "anything/at%20all", "welcome"],
      ["caf\u00e9", "cafe%CC%81", "room-not-allowed"],
      ["caf\u00e9", "caf%C3%A9", "welcome"],
      ["caf\u00e9", "caf%E9", "bad-room-name"],
      ["\u212a", "k", "room-not-allowed"],
      ["a%2Fb", "a/b", "room-not-allowed"],
      ["a%2Fb", "a%252Fb", "welcome"],
      ["a/*b", "a/*b", "token-invalid"],
      ["**", "a", "token-invalid"],
      ["/*", "a", "token-invalid"],
      ["", "a", "token-invalid"],
      ["../*", "a", "token-invalid"],
      ["a//*", "a", "token-invalid"],
    ];
    for (const [pattern, path, expected] of cases) {
      expect([pattern, path, await may(pattern, path)]).toEqual([pattern, path, expected]);
    }
  });

  it("[AUTH-6] clocks may differ by 60 s", async () => {
    const app = guarded();
    const at = async (claims: object) => outcome(app, freshRoom(), { token: await tokenOf({ ...claims }) });
    const now = secondsNow();
    expect(await at({ exp: now - 50 })).toBe("welcome");
    expect(await at({ exp: now - 60 })).toBe("token-expired");
    expect(await at({ exp: now - 300 })).toBe("token-expired");
    expect(await at({ nbf: now + 60 })).toBe("welcome");
    expect(await at({ nbf: now + 300 })).toBe("token-not-yet-valid");
  });

  it("[AUTH-3] pins algorithm, issuer and audience", async () => {
    const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
    const pem = await exportSPKI(publicKey);
    const pinned = { TOKEN_ISSUER: "https://issuer.example", TOKEN_AUDIENCE: "rooms" };
    const app = guarded({ TOKEN_SECRET: "", TOKEN_PUBLIC_KEY: pem, TOKEN_ALGORITHM: "RS256", ...pinned });
    const good = { iss: pinned.TOKEN_ISSUER, aud: pinned.TOKEN_AUDIENCE };
    const rs256 = { key: privateKey, header: { alg: "RS256" } };
    const at = async (token: string | Promise<string>) => outcome(app, freshRoom(), { token: await token });
    expect(await at(tokenOf(good, rs256))).toBe("welcome");
    expect(await at(tokenOf({ ...good, aud: ["other", "rooms"] }, rs256))).toBe("welcome");
    for (const claims of [
      { ...good, iss: "https://other.example" },
      { aud: good.aud },
      { ...good, aud: "app" },
      { iss: good.iss },
    ]) {
      expect([claims, await at(tokenOf(claims, rs256))]).toEqual([claims, "token-invalid"]);
    }
    // The public key's text as secret: who does not pin the algorithm takes it.
    for (const key of [pem, pem.trim(), `${pem.trim()}\n`]) {
      expect(await at(tokenOf(good, { key }))).toBe("token-invalid");
    }
    const claims = { ...good, room: "*", role: "moderator", exp: secondsNow() + 600 };
    for (const alg of ["none", "None", "NONE", "nOnE", "", "HS256", "RS256"]) {
      expect([alg, await at(forged({ alg }, claims))]).toEqual([alg, "token-invalid"]);
      expect([alg, await at(forged({ alg }, claims, "AAAA"))]).toEqual([alg, "token-invalid"]);
    }
    // A key that the token itself brings is not looked at.
    const other = await generateKeyPair("RS256", { extractable: true });
    const jwk = await crypto.subtle.exportKey("jwk", other.publicKey);
    expect(await at(tokenOf(good, { key: other.privateKey, header: { alg: "RS256", jwk } }))).toBe("token-invalid");
  });

  it("[AUTH-3] a token that says none, or that another secret signed, is refused", async () => {
    const app = guarded();
    const claims = { room: "*", role: "moderator", exp: secondsNow() + 600 };
    for (const token of [
      forged({ alg: "none" }, claims),
      forged({ alg: "HS256" }, claims),
      await tokenOf({}, { key: `${SECRET}.` }),
      await tokenOf({}, { header: { alg: "HS512" } }),
      `${await tokenOf()}x`,
      "x".repeat(100_000),
      "..",
      "not-a-token",
    ]) {
      expect(await outcome(app, freshRoom(), { token, by: "query" })).toBe("token-invalid");
    }
  });
});

describe("pages of other origins", () => {
  const cases = [
    [
      "[ORIGIN-1] an open deployment admits pages of its own host",
      { AUTH: "open" },
      {
        "https://rooms.example.com": true,
        "http://rooms.example.com:5173": true,
        "https://evil.example": false,
        "https://rooms.example.com.evil.example": false,
        "http://localhost:5173": false,
        null: false,
      },
    ],
    [
      "[ORIGIN-1] with a list, exactly those on it",
      { ALLOWED_ORIGINS: "https://app.example.com, http://localhost:5173" },
      {
        "https://app.example.com": true,
        "http://localhost:5173": true,
        "http://localhost:5174": false,
        "http://app.example.com": false,
        "https://rooms.example.com": false,
        null: false,
      },
    ],
    [
      "[ORIGIN-1] with tokens, pages of any origin, since no browser sends a token by itself",
      {},
      {
        "https://evil.example": true,
        null: true,
      },
    ],
  ] as const;
  it.each(cases)("%s", async (_title, settings, origins) => {
    const app = guarded(settings);
    const token = await tokenOf();
    expect(await outcome(app, freshRoom(), { token })).toBe("welcome");
    for (const [origin, isAllowed] of Object.entries(origins)) {
      const expected = isAllowed ? "welcome" : "origin-not-allowed";
      expect([origin, await outcome(app, freshRoom(), { token, origin })]).toEqual([origin, expected]);
    }
  });

  it("[ORIGIN-1] an open deployment on this machine admits pages of this machine", async () => {
    const app = guarded({ AUTH: "open" });
    for (const origin of ["http://localhost:5173", "http://127.0.0.1:9999", "http://[::1]:80"]) {
      expect(await outcome(app, freshRoom(), { origin, host: "localhost:8787" })).toBe("welcome");
    }
    expect(await outcome(app, freshRoom(), { origin: "https://evil.example", host: "localhost:8787" })).toBe(
      "origin-not-allowed",
    );
  });
});

describe("where a room is", () => {
  /** Stands in for the platform, whose local runtime has no jurisdictions: says what it was asked for. */
  function namespaceThatTells() {
    const asked: unknown[] = [];
    const at = (jurisdiction?: string) => ({
      jurisdiction: (name: string) => at(name),
      getByName: (name: string, options: unknown) => {
        asked.push([jurisdiction, name, options]);
        return { fetch: () => new Response("the room") };
      },
    });
    return { asked, bindings: { ...env, ROOMS: at() as unknown as typeof env.ROOMS } };
  }

  it("[PLACE-1] setting or token select jurisdiction and location hint, the token first", async () => {
    const { asked, bindings } = namespaceThatTells();
    const go = async (settings: Record<string, string>, claims: object = {}) => {
      const headers = { upgrade: "websocket", authorization: `Bearer ${await tokenOf({ ...claims })}` };
      await guarded(settings).request("/rooms/a", { headers }, bindings);
      return asked.at(-1);
    };
    expect(await go({})).toEqual([undefined, "a", undefined]);
    expect(await go({ JURISDICTION: "eu" })).toEqual(["eu", "a", undefined]);
    expect(await go({}, { jurisdiction: "eu" })).toEqual(["eu", "a", undefined]);
    expect(await go({ JURISDICTION: "eu", LOCATION_HINT: "weur" })).toEqual(["eu", "a", { locationHint: "weur" }]);
    const own = { jurisdiction: "us", locationHint: "enam" };
    expect(await go({ JURISDICTION: "eu", LOCATION_HINT: "weur" }, own)).toEqual(["us", "a", { locationHint: "enam" }]);
  });

  it("[PLACE-1] a runtime without jurisdictions refuses, and keeps nothing elsewhere", async () => {
    const before = (await listDurableObjectIds(env.ROOMS)).map(String);
    const refused = await enter(guarded({ JURISDICTION: "eu" }), freshRoom(), { token: await tokenOf() });
    expect(outcomeOf(refused)).toBe("misconfigured");
    expect(() => getRoom(env.ROOMS, "a", { jurisdiction: "eu" })).toThrow(/^misconfigured: .*jurisdiction eu/);
    expect((await listDurableObjectIds(env.ROOMS)).map(String)).toEqual(before);
    expect(outcomeOf(await enter(guarded({ LOCATION_HINT: "weur" }), freshRoom(), { token: await tokenOf() }))).toBe(
      "welcome",
    );
  });
});

describe("what is refused", () => {
  const lines: string[] = [];
  const originals = { log: console.log, warn: console.warn, error: console.error };
  beforeEach(() => {
    for (const level of ["log", "warn", "error"] as const)
      console[level] = (line: string) => void lines.push(String(line));
  });
  afterEach(() => Object.assign(console, originals));

  it("[AUTH-7] 10,000 bad names and tokens create no object, and no token is logged or told", {
    timeout: 120_000,
  }, async () => {
    const app = guarded({ LOG_LEVEL: "info" });
    const before = (await listDurableObjectIds(env.ROOMS)).map(String);
    const chance = prng.create(8);
    const good = await tokenOf({ room: "only/here" });
    const [expired, other] = [await tokenOf({ exp: 1 }), await tokenOf({}, { key: `${SECRET}!` })];
    const random = () => prng.word(chance, 1, 40);
    const badNames = [
      () => "",
      () => `a//${random()}`,
      () => `${random()}/`,
      () => `${random()}%0A`,
      () => `%ff${random()}`,
      () => `${random()}%`,
      () => random().repeat(201).slice(0, 201),
      () => `a%2f%2e%2e%2f${random()}`,
    ];
    const badTokens = [
      () => undefined,
      () => random(),
      () => good.slice(0, -1 - prng.int31(chance, 0, 60)),
      () => expired,
      () => other,
      () => good,
      () => `${good}${random()}`,
      () => forged({ alg: "none" }, { room: "*", sub: random() }),
    ];
    const codes = new Set<string>();
    const tryOne = async (isBadName: boolean) => {
      const token = isBadName ? good : prng.oneOf(chance, badTokens)();
      const name = isBadName ? prng.oneOf(chance, badNames)() : `elsewhere/${random()}`;
      const by = prng.oneOf(chance, ["subprotocol", "header", "query"] as const);
      const entered = await enter(app, name, token === undefined ? {} : { token, by });
      codes.add(outcomeOf(entered));
      if (token !== undefined && token.length > 15) expect(JSON.stringify(entered)).not.toContain(token);
    };
    for (let tried = 0; tried < 10_000; tried += 200) {
      await Promise.all(Array.from({ length: 200 }, (_, index) => tryOne(index % 2 === 0)));
    }
    expect(codes).toEqual(
      new Set(["bad-room-name", "unauthorized", "token-invalid", "token-expired", "room-not-allowed"]),
    );
    expect((await listDurableObjectIds(env.ROOMS)).map(String)).toEqual(before);
    expect(lines).toHaveLength(10_000);
    const logged = lines.join("\n");
    for (const token of [good, expired, other]) {
      for (const part of token.split(".")) expect(logged).not.toContain(part.slice(0, 20));
    }
  });
});
