import { describe, expect, it } from "vitest";
import { readSettings, SETTINGS } from "./settings.ts";

describe("settings", () => {
  it("has its defaults when nothing is set, and is closed then", () => {
    const settings = readSettings({});
    for (const [name, { default: initial }] of Object.entries(SETTINGS)) expect(settings).toHaveProperty(name, initial);
    expect(settings.AUTH).toBe("token");
  });

  it("takes what wrangler hands over: strings, numbers and truths", () => {
    const settings = readSettings({ AUTH: "open", STRICT: "true", COMMIT_MS: "0", COALESCE_MS: 5, ROOMS: {} });
    expect(settings).toMatchObject({ AUTH: "open", STRICT: true, COMMIT_MS: 0, COALESCE_MS: 5 });
    expect(readSettings({ STRICT: false }).STRICT).toBe(false);
  });

  it("names every setting that is out of its range, with the range", () => {
    const wrong = { AUTH: "everybody", COMMIT_MS: "-1", COALESCE_MS: "fast", STRICT: "yes", MAX_FRAME_BYTES: 1e9 };
    for (const [name, value] of Object.entries(wrong)) {
      expect(() => readSettings({ [name]: value })).toThrow(`${name} = ${JSON.stringify(value)} must be `);
    }
    expect(() => readSettings(wrong)).toThrow(/AUTH .*; .*COMMIT_MS/s);
  });
});

describe("the settings of tokens", () => {
  const secret = "a secret of 32 bytes, or some more";
  const pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----";
  const pinned = { TOKEN_ISSUER: "https://id.example.com", TOKEN_AUDIENCE: "rooms" };
  const url = "https://id.example.com/keys";

  it("takes one key with an algorithm that goes with it", () => {
    expect(readSettings({ TOKEN_SECRET: secret }).TOKEN_SECRET).toBe(secret);
    const written = pem.replaceAll("\n", "\\n");
    expect(readSettings({ TOKEN_PUBLIC_KEY: `${written}\\n`, TOKEN_ALGORITHM: "ES256" }).TOKEN_PUBLIC_KEY).toBe(pem);
    expect(readSettings({ TOKEN_JWKS_URL: url, TOKEN_ALGORITHM: "RS256", ...pinned }).TOKEN_JWKS_URL).toBe(url);
    const local = "http://127.0.0.1:9/keys";
    expect(readSettings({ TOKEN_JWKS_URL: local, TOKEN_ALGORITHM: "RS256", ...pinned }).TOKEN_JWKS_URL).toBe(local);
  });

  it.each([
    [
      "a secret below 32 bytes",
      { TOKEN_SECRET: "x1y2z3a4b5c6d7e8f9" },
      /^misconfigured: .*\(TOKEN_SECRET must be 32 bytes/,
    ],
    ["a secret that repeats itself", { TOKEN_SECRET: "abc".repeat(20) }, /TOKEN_SECRET must be .* 8 different/],
    [
      "a private key",
      { TOKEN_PUBLIC_KEY: pem.replaceAll("PUBLIC", "PRIVATE"), TOKEN_ALGORITHM: "ES256" },
      /TOKEN_PUBLIC_KEY must be PEM/,
    ],
    ["two keys", { TOKEN_SECRET: secret, TOKEN_PUBLIC_KEY: pem }, /TOKEN_SECRET and TOKEN_PUBLIC_KEY are set/],
    ["a public key as secret", { TOKEN_PUBLIC_KEY: pem }, /TOKEN_ALGORITHM = HS256 goes with TOKEN_SECRET/],
    ["a secret with another algorithm", { TOKEN_SECRET: secret, TOKEN_ALGORITHM: "RS256" }, /must be HS256/],
    [
      "an unknown algorithm",
      { TOKEN_SECRET: secret, TOKEN_ALGORITHM: "none" },
      /TOKEN_ALGORITHM = "none" must be HS256, RS256/,
    ],
    [
      "a key set for whoever issues",
      { TOKEN_JWKS_URL: url, TOKEN_ALGORITHM: "RS256" },
      /TOKEN_ISSUER must be set .*; TOKEN_AUDIENCE must/,
    ],
    [
      "keys by http",
      { TOKEN_JWKS_URL: "http://id.example.com/keys", TOKEN_ALGORITHM: "RS256", ...pinned },
      /must be https/,
    ],
  ])("refuses %s", (_what, env, words) => {
    expect(() => readSettings(env)).toThrow(words);
  });

  it("never repeats a secret, not even one that is refused", () => {
    for (const name of ["TOKEN_SECRET", "TOKEN_PUBLIC_KEY"]) {
      for (const value of ["hunter2", 1_234_567, { inner: "hunter2" }]) {
        try {
          readSettings({ [name]: value });
          expect.unreachable();
        } catch (caught) {
          expect(String(caught)).toContain(`${name} must be`);
          expect(String(caught)).not.toMatch(/hunter2|1234567/);
        }
      }
    }
  });

  it("takes origins as browsers write them, and nothing that looks like one", () => {
    for (const list of [
      "auto",
      "*",
      "https://app.example.com",
      "https://a.example, http://localhost:5173",
      "capacitor://localhost",
    ]) {
      expect(readSettings({ ALLOWED_ORIGINS: list }).ALLOWED_ORIGINS).toBe(list);
    }
    for (const list of [
      "",
      "app.example.com",
      "https://app.example.com/",
      "https://*.example.com",
      "null",
      "https://a.example,",
      "auto, https://a.example",
      "HTTPS://a.example",
    ]) {
      expect(() => readSettings({ ALLOWED_ORIGINS: list }), list).toThrow("ALLOWED_ORIGINS");
    }
  });
});
