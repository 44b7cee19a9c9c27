/** Tokens of every kind, and a Worker that asks for them. */
import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { type MessageFromRoom, ROOMFUL_PROTOCOL } from "../../shared/messages.ts";
import { createApp } from "../../worker/edge/app.ts";
import { readSettings } from "../../worker/settings/settings.ts";
import { until } from "../support/until.ts";
import { clientOf } from "./room-client.ts";

export const SECRET = "a secret of the tests, 32 bytes long or more";

export const secondsNow = () => Math.floor(Date.now() / 1000);

/** The Worker of a deployment with tokens. */
export function guarded(settings: Record<string, unknown> = {}) {
  return createApp(readSettings({ AUTH: "token", LOG_LEVEL: "error", TOKEN_SECRET: SECRET, ...settings }));
}

interface Signing {
  readonly key?: string | CryptoKey;
  readonly header?: Record<string, unknown>;
}

/** A token of all rooms for an editor, but for what is said otherwise; `undefined` leaves a claim out. */
export function tokenOf(
  claims: Readonly<Record<string, unknown>> = {},
  { key = SECRET, header = {} }: Signing = {},
): Promise<string> {
  const payload = { room: "*", role: "editor", exp: secondsNow() + 3_600, ...claims };
  const signWith = typeof key === "string" ? new TextEncoder().encode(key) : key;
  return new SignJWT(payload).setProtectedHeader({ alg: "HS256", ...header }).sign(signWith);
}

/** A token whose signature is whatever is given. */
export function forged(header: object, claims: object, signature = ""): string {
  const encode = (value: object) =>
    btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${encode(header)}.${encode(claims)}.${signature}`;
}

interface Entering {
  readonly token?: string;
  /** How the token rides. */
  readonly by?: "subprotocol" | "header" | "query";
  readonly origin?: string;
  readonly host?: string;
}

/** How an upgrade ended: in a room, or refused. */
export type Entered =
  | { readonly welcome: Extract<MessageFromRoom, { type: "welcome" }>; close(): void }
  | { readonly code: number; readonly reason: string; readonly subprotocol: string | null };

/** Asks for a room as a client would. @param room as it stands in the URL */
export async function enter(
  app: ReturnType<typeof guarded>,
  room: string,
  { token, by = "subprotocol", origin, host = "rooms.example.com" }: Entering = {},
): Promise<Entered> {
  const bearer = token !== undefined && by === "subprotocol" ? `, roomful.bearer.${token}` : "";
  const headers = new Headers({ upgrade: "websocket", "sec-websocket-protocol": `${ROOMFUL_PROTOCOL}${bearer}` });
  if (token !== undefined && by === "header") headers.set("authorization", `Bearer ${token}`);
  if (origin !== undefined) headers.set("origin", origin);
  const query = token !== undefined && by === "query" ? `?token=${token}` : "";
  const client = clientOf(await app.fetch(new Request(`https://${host}/rooms/${room}${query}`, { headers }), env));
  await until(() => client.messagesOf("welcome").length > 0 || client.closed !== null, "an answer");
  const [welcome] = client.messagesOf("welcome");
  if (welcome !== undefined) return { welcome, close: () => client.close() };
  if (client.closed === null) throw new Error("no answer");
  return { ...client.closed, subprotocol: client.subprotocol };
}

/** The code of a refusal, or `"welcome"`. */
export function outcomeOf(entered: Entered): string {
  return "welcome" in entered ? "welcome" : (entered.reason.split(":")[0] ?? "");
}
