import { errors } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { errorCodeOf } from "../../shared/errors.ts";
import { KeyServer, type ProviderKey, providerKey } from "../../test/support/key-server.ts";
import { KeySet } from "./key-set.ts";

const [one, two] = await Promise.all([providerKey("one"), providerKey("two")]);
let provider: KeyServer;
let keys: KeySet;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1e12 });
  provider = await KeyServer.start(one);
  keys = new KeySet(provider.url, Date.now);
});
afterEach(async () => {
  vi.useRealTimers();
  await provider.stop();
});

const later = (seconds: number) => void vi.setSystemTime(Date.now() + seconds * 1_000);

/** What becomes of a token that names a key. */
async function outcomeFor(kid: string): Promise<string> {
  try {
    await keys.keyFor({ alg: "ES256", kid });
    return "found";
  } catch (caught) {
    return caught instanceof errors.JWKSNoMatchingKey ? "unknown" : (errorCodeOf(caught) ?? String(caught));
  }
}

describe("[AUTH-8] the keys of an identity provider", () => {
  it("are fetched once for many tokens, and again after ten minutes", async () => {
    for (let count = 0; count < 10; count++) expect(await outcomeFor("one")).toBe("found");
    later(599);
    expect(await outcomeFor("one")).toBe("found");
    expect(provider.asked).toBe(1);
    later(2);
    expect(await outcomeFor("one")).toBe("found");
    expect(provider.asked).toBe(2);
  });

  it("a key that the provider withdrew is not taken after ten minutes", async () => {
    expect(await outcomeFor("one")).toBe("found");
    provider.published = [two];
    later(601);
    expect(await outcomeFor("one")).toBe("unknown");
    expect(await outcomeFor("two")).toBe("found");
  });

  it("a new key is found 30 s after the last fetch; until then its tokens are to be tried again", async () => {
    expect(await outcomeFor("one")).toBe("found");
    provider.published = [one, two];
    expect(await outcomeFor("two")).toBe("keys-unavailable");
    later(29);
    expect(await outcomeFor("two")).toBe("keys-unavailable");
    expect(provider.asked).toBe(1);
    later(2);
    expect(await outcomeFor("two")).toBe("found");
    expect(await outcomeFor("one")).toBe("found");
    expect(provider.asked).toBe(2);
  });

  it("unknown keys cause one fetch per 30 s, and only one that a fetch did not bring is unknown", async () => {
    expect(await outcomeFor("one")).toBe("found");
    for (let round = 0; round < 10; round++) {
      for (let count = 0; count < 20; count++) await outcomeFor(`made up ${count}`);
      later(3);
    }
    expect(provider.asked).toBe(1);
    later(1);
    expect(await outcomeFor("made up")).toBe("unknown");
    expect(provider.asked).toBe(2);
    expect(await outcomeFor("made up")).toBe("keys-unavailable");
  });

  it("many unknown keys at once cause one fetch", async () => {
    expect(await outcomeFor("one")).toBe("found");
    later(31);
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => outcomeFor(`made up ${index}`)));
    expect(outcomes).not.toContain("found");
    expect(provider.asked).toBe(2);
  });

  it.each(["failing", "senseless", "empty-handed"] as const)(
    "a provider that is %s is asked once in 5 s, and everybody told to try again",
    async (mood) => {
      provider.mood = mood;
      for (let count = 0; count < 20; count++) expect(await outcomeFor("one")).toBe("keys-unavailable");
      expect(provider.asked).toBe(1);
      provider.mood = "well";
      later(4);
      expect(await outcomeFor("one")).toBe("keys-unavailable");
      later(2);
      expect(await outcomeFor("one")).toBe("found");
    },
  );

  it("keys that are here serve on while the provider fails; unknown ones are to be tried again", async () => {
    expect(await outcomeFor("one")).toBe("found");
    provider.mood = "failing";
    later(60);
    expect(await outcomeFor("two")).toBe("keys-unavailable");
    expect(await outcomeFor("one")).toBe("found");
    for (let count = 0; count < 20; count++) await outcomeFor(`made up ${count}`);
    expect(provider.asked).toBe(2);
    later(600);
    expect(await outcomeFor("one")).toBe("keys-unavailable");
  });

  it("a provider that does not answer is waited for 5 s", async () => {
    provider.mood = "silent";
    expect(await outcomeFor("one")).toBe("keys-unavailable");
  });

  it("a token that names no key is taken when there is but one", async () => {
    const named = (alg: string): Promise<unknown> => keys.keyFor({ alg });
    expect(await named("ES256")).toBeDefined();
    provider.published = [one, two] satisfies ProviderKey[];
    later(601);
    await expect(named("ES256")).rejects.toBeInstanceOf(errors.JWKSMultipleMatchingKeys);
  });
});
