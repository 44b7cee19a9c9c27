import * as channel from "lib0/broadcastchannel";

/**
 * The other tabs of one origin, by BroadcastChannel. Providers in the same tab hear each other too. Where the environment
 * has no such channel, there are no other tabs.
 */
export class Tabs {
  readonly #name: string;
  readonly #receive: (frame: Uint8Array<ArrayBuffer>) => void;

  /** @param receive is called with what others publish */
  constructor(name: string, receive: (frame: Uint8Array<ArrayBuffer>) => void) {
    this.#name = name;
    this.#receive = receive;
    channel.subscribe(name, this.#subscriber);
  }

  get name(): string {
    return this.#name;
  }

  publish(frame: Uint8Array<ArrayBuffer>): void {
    channel.publish(this.#name, frame, this);
  }

  close(): void {
    channel.unsubscribe(this.#name, this.#subscriber);
  }

  readonly #subscriber = (data: unknown, origin: unknown): void => {
    if (origin === this) return;
    if (data instanceof Uint8Array) this.#receive(data.slice());
    else if (data instanceof ArrayBuffer) this.#receive(new Uint8Array(data));
  };
}

/**
 * Who a token speaks for, by its `sub` claim. Not verified: it only decides which tabs share a channel, and they share
 * an origin anyway.
 */
export function subjectOf(token: string): string | undefined {
  try {
    const payload = token.split(".")[1] ?? "";
    const claims: unknown = JSON.parse(decodeBase64Url(payload));
    if (typeof claims !== "object" || claims === null || !("sub" in claims)) return undefined;
    return typeof claims.sub === "string" ? claims.sub : undefined;
  } catch {
    return undefined;
  }
}

function decodeBase64Url(text: string): string {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.codePointAt(0) ?? 0));
}
