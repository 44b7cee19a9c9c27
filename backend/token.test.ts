import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { errorCodeOf, RoomfulError } from "../shared/errors.ts";
import type { RoomName } from "../shared/rooms.ts";
import { TokenVerifier } from "../worker/access/token-verifier.ts";
import { mintToken, type SigningKey, type TokenContents } from "./token.ts";
import { makeToken, TOKEN_HELP } from "./token-command.ts";

const SECRET = "a secret of 32 bytes, or some more";
const NONE = {
  TOKEN_ALGORITHM: "HS256",
  TOKEN_SECRET: "",
  TOKEN_PUBLIC_KEY: "",
  TOKEN_JWKS_URL: "",
  TOKEN_ISSUER: "",
  TOKEN_AUDIENCE: "",
} as const;
const ROOM = "notes/today" as RoomName;

/** What is said of a refusal. */
const detailOf = (attempt: () => Promise<unknown>) =>
  attempt().then(
    () => "nothing thrown",
    (caught) => (caught instanceof RoomfulError && errorCodeOf(caught) === "invalid-argument" ? caught.detail : caught),
  );

describe("mintToken", () => {
  it("[AUTH-4] makes tokens that the Worker takes, with all that they say", async () => {
    const now = Math.floor(Date.now() / 1000);
    const contents = {
      room: "notes/*",
      role: "editor",
      subject: "ada",
      name: "Ada",
      expiresIn: 900,
      issuer: "app",
      audience: "rooms",
      jurisdiction: "eu",
      locationHint: "weur",
    } as const;
    const token = await mintToken({ secret: SECRET }, contents);
    const verifier = new TokenVerifier({ ...NONE, TOKEN_SECRET: SECRET, TOKEN_ISSUER: "app", TOKEN_AUDIENCE: "rooms" });
    const { grant, placement } = await verifier.verify(token, ROOM);
    expect(grant).toMatchObject({ capabilities: ["read", "write", "call", "publish"], subject: "ada", name: "Ada" });
    expect(placement).toEqual({ jurisdiction: "eu", locationHint: "weur" });
    expect((grant.expiresAt ?? 0) / 1000 - now - 960).toBeLessThan(30);
    const plain = decodeJwt(await mintToken({ secret: SECRET }, { room: "a", capabilities: ["read"] }));
    expect(Object.keys(plain).sort()).toEqual(["capabilities", "exp", "iat", "room"]);
    expect((plain.exp ?? 0) - (plain.iat ?? 0)).toBe(3_600);
  });

  it.each([
    ["RS256", "rsa"],
    ["PS256", "rsa"],
    ["ES256", "P-256"],
    ["ES384", "P-384"],
    ["EdDSA", "ed25519"],
  ] as const)("[AUTH-3] signs by %s with a private key, and no other key's token is taken", async (algorithm, kind) => {
    const pair = () => {
      const { publicKey, privateKey } =
        kind === "rsa"
          ? generateKeyPairSync("rsa", { modulusLength: 2048 })
          : kind === "ed25519"
            ? generateKeyPairSync("ed25519")
            : generateKeyPairSync("ec", { namedCurve: kind });
      return {
        publicKey: String(publicKey.export({ type: "spki", format: "pem" })).trim(),
        privateKey: String(privateKey.export({ type: "pkcs8", format: "pem" })),
      };
    };
    const [own, other] = [pair(), pair()];
    const verifier = new TokenVerifier({ ...NONE, TOKEN_ALGORITHM: algorithm, TOKEN_PUBLIC_KEY: own.publicKey });
    const contents = { room: "notes/today", role: "viewer" } as const;
    const token = await mintToken({ privateKey: own.privateKey, algorithm, keyId: "k" }, contents);
    expect(decodeProtectedHeader(token)).toEqual({ alg: algorithm, typ: "JWT", kid: "k" });
    expect((await verifier.verify(token, ROOM)).grant.capabilities).toEqual(["read"]);
    const forged = await mintToken({ privateKey: other.privateKey, algorithm }, contents);
    await expect(verifier.verify(forged, ROOM)).rejects.toMatchObject({ code: "token-invalid" });
  });

  it("refuses what no Worker would take, before it signs", async () => {
    const good: TokenContents = { room: "a", role: "viewer" };
    const cases: [string, SigningKey, object][] = [
      ["the secret is shorter than 32 bytes", { secret: "short" }, good],
      ["the secret is fewer than 8 different characters", { secret: "abcabc".repeat(10) }, good],
      ["the private key is none for ES256 in PEM of PKCS #8", { privateKey: SECRET, algorithm: "ES256" }, good],
      ["claim room", { secret: SECRET }, { ...good, room: "a//b" }],
      ["claim room: * only at its end", { secret: SECRET }, { ...good, room: "a/*/b" }],
      ["either claim role or claim capabilities", { secret: SECRET }, { room: "a" }],
      ["either claim role or claim capabilities", { secret: SECRET }, { ...good, capabilities: ["read"] }],
      ["claim role", { secret: SECRET }, { ...good, role: "owner" }],
      ["claim sub", { secret: SECRET }, { ...good, subject: "" }],
      ["expiresIn is a number of seconds above 0", { secret: SECRET }, { ...good, expiresIn: 0 }],
      ["expiresIn is a number of seconds above 0", { secret: SECRET }, { ...good, expiresIn: Number.NaN }],
    ];
    for (const [detail, key, contents] of cases) {
      expect(await detailOf(() => mintToken(key, contents as TokenContents))).toBe(detail);
    }
  });
});

describe("roomful token", () => {
  const words = (line: string) => line.split(" ");

  it("makes the token that its arguments describe", async () => {
    const line = "--room notes/* --role viewer --subject ada --expires 15m --issuer app --audience rooms";
    const claims = decodeJwt(await makeToken([...words(line), "--name", "Ada L."], { TOKEN_SECRET: SECRET }));
    expect(claims).toMatchObject({
      room: "notes/*",
      role: "viewer",
      sub: "ada",
      name: "Ada L.",
      iss: "app",
      aud: "rooms",
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(900);
    const list = await makeToken(words("--room a --capability read --capability call"), { TOKEN_SECRET: SECRET });
    expect(decodeJwt(list)).toMatchObject({ capabilities: ["read", "call"] });
  });

  it.each([
    ["--role viewer", "--room is missing"],
    ["--room a", "either --role or --capability is needed"],
    ["--room a --role viewer --capability read", "either --role or --capability is needed"],
    ["--room a --role owner", "--role is one of viewer, editor, moderator"],
    ["--room a --capability fly", "--capability is one of read, write, call, publish, moderate"],
    ["--room a --role viewer --expires soon", "--expires is a number and s, m, h or d, such as 15m"],
    ["--room a --role viewer --rome b", "Unknown option '--rome'"],
    ["--room a --role viewer extra", "Unexpected argument 'extra'"],
    ["--room a --role", "Option '--role <value>' argument missing"],
    ["--room a --role viewer --algorithm ES256", "--algorithm and --key-id need --key-file"],
    ["--room a --role viewer --key-file none.pem", "--key-file needs --algorithm"],
    [
      "--room a --role viewer --key-file none.pem --algorithm HS256",
      "HS256 signs with TOKEN_SECRET, not with a --key-file",
    ],
    ["--room a --role viewer --key-file none.pem --algorithm ES256", "--key-file none.pem can't be read"],
    ["--room a --role viewer --jurisdiction mars", "--jurisdiction is one of eu, us, fedramp, fedramp-high"],
    ["--room a//b --role viewer", "claim room"],
  ])("%s: %s", async (line, detail) => {
    expect(await detailOf(async () => makeToken(words(line), { TOKEN_SECRET: SECRET }))).toContain(detail);
  });

  it("says where the key comes from when there is none, and names every option in its help", async () => {
    expect(await detailOf(async () => makeToken(words("--room a --role viewer"), {}))).toBe(
      "set the variable TOKEN_SECRET, or name a --key-file",
    );
    for (const option of ["room", "role", "capability", "expires", "key-file", "algorithm", "location-hint"]) {
      expect(TOKEN_HELP).toContain(`--${option} `);
    }
  });
});
