import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mintToken } from "../../backend/token.ts";
import { BareRoomServer } from "../support/bare-room-server.ts";
import { enteringAs } from "../support/entering.ts";
import { KeyServer, type ProviderKey, providerKey } from "../support/key-server.ts";

const [one, two, unpublished] = await Promise.all(["one", "two", "made up"].map((name) => providerKey(name)));
if (one === undefined || two === undefined || unpublished === undefined) throw new Error("no keys");

const ISSUER = "https://id.example.com";
const AUDIENCE = "rooms";

/** A token for every room, signed with a provider's key. */
const tokenBy = ({ privateKey, keyId }: ProviderKey, audience = AUDIENCE) =>
  mintToken({ privateKey, algorithm: "ES256", keyId }, { room: "*", role: "editor", issuer: ISSUER, audience });

let provider: KeyServer;
let server: BareRoomServer;
let url: string;

beforeEach(async () => {
  provider = await KeyServer.start(one);
  server = await BareRoomServer.start({
    settings: {
      AUTH: "token",
      TOKEN_JWKS_URL: provider.url,
      TOKEN_ALGORITHM: "ES256",
      TOKEN_ISSUER: ISSUER,
      TOKEN_AUDIENCE: AUDIENCE,
    },
  });
  url = `${await server.url()}/keys`;
});
afterEach(async () => {
  await server.stop();
  await provider.stop();
});

/** Tries until the outcome is another one. */
async function whenNot(outcome: string, attempt: () => Promise<string>): Promise<string> {
  for (let tries = 0; tries < 120; tries++) {
    const next = await attempt();
    if (next !== outcome) return next;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return outcome;
}

describe("a deployment with TOKEN_JWKS_URL, in workerd", () => {
  it("[AUTH-8] admits by the provider's keys, fetched once; a made-up key is no way in, and no way to have them fetched", async () => {
    const good = await tokenBy(one);
    expect(await enteringAs(good, url)).toBe("welcome");
    expect(await enteringAs(await tokenBy(one, "another app"), url)).toBe("4401 token-invalid");
    expect(await enteringAs(await tokenBy({ ...unpublished, keyId: "one" }), url)).toBe("4401 token-invalid");
    const made = await tokenBy(unpublished);
    for (let round = 0; round < 5; round++) {
      const outcomes = await Promise.all(Array.from({ length: 40 }, () => enteringAs(made, url)));
      expect(new Set(outcomes)).toEqual(new Set(["4503 keys-unavailable"]));
      expect(await enteringAs(good, url)).toBe("welcome");
    }
    expect(provider.asked).toBe(1);
  });

  it("[AUTH-8] rotation: a new key is taken half a minute after the last fetch, however many ask at once", async () => {
    expect(await enteringAs(await tokenBy(one), url)).toBe("welcome");
    provider.published = [one, two];
    const rotated = await tokenBy(two);
    expect(await enteringAs(rotated, url)).toBe("4503 keys-unavailable");
    const made = await tokenBy(unpublished);
    const outcome = await whenNot("4503 keys-unavailable", async () => {
      const [first] = await Promise.all([
        enteringAs(rotated, url),
        ...Array.from({ length: 20 }, () => enteringAs(made, url)),
      ]);
      return first ?? "";
    });
    expect(outcome).toBe("welcome");
    expect(await enteringAs(await tokenBy(one), url)).toBe("welcome");
    expect(provider.asked).toBeLessThanOrEqual(3);
  });

  it("[AUTH-8] while the keys can't be had everybody is told to try again, and is admitted when they can", async () => {
    provider.mood = "failing";
    const good = await tokenBy(one);
    for (let count = 0; count < 20; count++) expect(await enteringAs(good, url)).toBe("4503 keys-unavailable");
    const response = await fetch(`${url.replace("ws:", "http:").replace("/rooms/", "/api/rooms/")}/state`, {
      headers: { authorization: `Bearer ${good}` },
    });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: "keys-unavailable" } });
    expect(provider.asked).toBeLessThan(4);
    provider.mood = "well";
    expect(await whenNot("4503 keys-unavailable", () => enteringAs(good, url))).toBe("welcome");
    provider.mood = "failing";
    expect(await enteringAs(good, url)).toBe("welcome");
  });
});
