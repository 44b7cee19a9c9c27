import { createHmac } from "node:crypto";
import * as v from "valibot";
import type { IceServer, IceServers } from "../../shared/calls.ts";
import { explain, type Log } from "../runtime/logging.ts";
import { type IceSettings, turnUrlsOf } from "../settings/ice-settings.ts";

/** Milliseconds that the minting of credentials may take: somebody waits to join a call. */
const MINT_MS = 3_000;

/** Milliseconds after a failure in which minting is not tried again. */
const PAUSE_MS = 10_000;

/** Bytes of an answer of the minting service. It has a dozen URLs. */
const ANSWER_CHARACTERS = 65_536;

/** Milliseconds that credentials from before an outage must still be good for, to be handed out in it. */
const USABLE_MS = 60_000;

/** Characters of a subject in a user name, where it is a label for the relay's log: TURN allows 508 bytes in all. */
const LABEL_CHARACTERS = 120;

/** The part of the service's answer that is used here. */
const MINTED = v.object({
  iceServers: v.pipe(
    v.array(
      v.object({
        urls: v.union([v.string(), v.array(v.string())]),
        username: v.exactOptional(v.string()),
        credential: v.exactOptional(v.string()),
      }),
    ),
    v.maxLength(20),
  ),
});

interface Minted {
  readonly servers: readonly IceServer[];
  readonly expiresAt: number;
}

interface IceOptions {
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Where credentials are minted. */
  readonly service?: string;
}

/**
 * The ICE servers of a room: those of the settings, a coturn server's with credentials for whoever asks, and those of
 * Cloudflare's TURN service, whose credentials the room's peers share. No secret leaves: credentials end after `TURN_TTL`.
 */
export class IceServerSource {
  readonly #settings: IceSettings;
  readonly #options: Required<IceOptions>;
  #minted: Minted | undefined;
  #minting: Promise<Minted | undefined> | undefined;
  #pausedUntil = 0;

  constructor(settings: IceSettings, { log, now = Date.now, service = "https://rtc.live.cloudflare.com" }: IceOptions) {
    this.#settings = settings;
    this.#options = { log, now, service };
  }

  /** Never throws: what can't be had is missing, with a warning. @param subject for whom, as its token says */
  async servers(subject: string | undefined): Promise<IceServers> {
    const { ICE_SERVERS, TURN_URLS, TURN_TTL, TURN_KEY_ID } = this.#settings;
    const iceServers: IceServer[] = ICE_SERVERS === "" ? [] : JSON.parse(ICE_SERVERS);
    const ends: number[] = [];
    if (TURN_URLS !== "") {
      iceServers.push(this.#restCredentials(subject));
      ends.push(TURN_TTL * 1_000);
    }
    if (TURN_KEY_ID === "") return answer(iceServers, ends);
    const minted = await this.#cloudflare();
    if (minted === undefined) return { ...answer(iceServers, ends), warning: "turn-unavailable" };
    iceServers.push(...minted.servers);
    ends.push(minted.expiresAt - this.#options.now());
    return answer(iceServers, ends);
  }

  /**
   * Credentials that coturn checks by the shared secret alone (`use-auth-secret`).
   * @see https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00
   */
  #restCredentials(subject: string | undefined): IceServer {
    const { TURN_URLS, TURN_SECRET, TURN_TTL } = this.#settings;
    const expiry = Math.floor(this.#options.now() / 1_000) + TURN_TTL;
    const username = `${expiry}:${(subject ?? "guest").slice(0, LABEL_CHARACTERS)}`;
    const credential = createHmac("sha1", TURN_SECRET).update(username).digest("base64");
    return { urls: turnUrlsOf(TURN_URLS), username, credential };
  }

  /** Minted once for all who ask within half the time that they are good for. */
  async #cloudflare(): Promise<Minted | undefined> {
    const now = this.#options.now();
    const left = (this.#minted?.expiresAt ?? 0) - now;
    if (left > (this.#settings.TURN_TTL * 1_000) / 2) return this.#minted;
    if (now >= this.#pausedUntil) {
      this.#minting ??= this.#mint().finally(() => {
        this.#minting = undefined;
      });
      const minted = await this.#minting;
      if (minted !== undefined) return minted;
    }
    return left > USABLE_MS ? this.#minted : undefined;
  }

  async #mint(): Promise<Minted | undefined> {
    const { now, log } = this.#options;
    try {
      const expiresAt = now() + this.#settings.TURN_TTL * 1_000;
      this.#minted = { servers: await this.#askService(), expiresAt };
      return this.#minted;
    } catch (cause) {
      this.#pausedUntil = now() + PAUSE_MS;
      log("warn", "turn", { code: "turn-unavailable", detail: explain(cause) });
      return undefined;
    }
  }

  /** @see https://developers.cloudflare.com/realtime/turn/generate-credentials/ */
  async #askService(): Promise<IceServer[]> {
    const { TURN_KEY_ID, TURN_KEY_TOKEN, TURN_TTL } = this.#settings;
    const response = await fetch(
      `${this.#options.service}/v1/turn/keys/${TURN_KEY_ID}/credentials/generate-ice-servers`,
      {
        method: "POST",
        headers: { authorization: `Bearer ${TURN_KEY_TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({ ttl: TURN_TTL }),
        // A key's token must not follow wherever an answer points.
        redirect: "manual",
        signal: AbortSignal.timeout(MINT_MS),
      },
    );
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the TURN service answers ${response.status}`);
    }
    const text = await response.text();
    if (text.length > ANSWER_CHARACTERS) throw new Error("the TURN service answers too much");
    const result = v.safeParse(MINTED, parseJson(text));
    if (!result.success) throw new Error("the TURN service answers something else than ICE servers");
    const servers = result.output.iceServers.flatMap(withoutBlockedPorts);
    if (servers.length === 0) throw new Error("the TURN service answers no ICE servers");
    return servers;
  }
}

function answer(iceServers: readonly IceServer[], ends: readonly number[]): IceServers {
  return { iceServers, ...(ends.length > 0 && { iceExpiresIn: Math.min(...ends) }) };
}

/** Without port 53, which browsers block: asking it costs a call seconds before it gives up. */
function withoutBlockedPorts(server: IceServer): IceServer[] {
  const urls = [server.urls].flat().filter((url) => !/:53(?:\?|$)/.test(url));
  return urls.length === 0 ? [] : [{ ...server, urls }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without its cause, whose words quote credentials.
    return undefined;
  }
}
