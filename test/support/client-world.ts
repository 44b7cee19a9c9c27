import * as Y from "yjs";
import { RoomProvider, type RoomProviderOptions } from "../../client/index.ts";

type Options = RoomProviderOptions & { readonly doc?: Y.Doc };

const opened: RoomProvider[] = [];

/** A provider, and what a test looks at. It syncs through nothing but the server unless `disableBc` says otherwise. */
export function provide(url: string, room: string, { doc = new Y.Doc(), ...options }: Options = {}) {
  const provider = new RoomProvider(url, room, doc, { disableBc: true, ...options });
  opened.push(provider);
  return { provider, doc, awareness: provider.awareness, text: doc.getText("text"), map: doc.getMap<number>("map") };
}

/** Ends every provider that was made. */
export function destroyAll(): void {
  for (const provider of opened.splice(0)) provider.destroy();
}

/** Whether one sees another's presence. */
export function sees(one: { awareness: { getStates(): Map<number, unknown> } }, other: { doc: Y.Doc }): boolean {
  return one.awareness.getStates().has(other.doc.clientID);
}

/** A WebSocket that counts what goes through it. */
export function countingSocket() {
  const sent: unknown[] = [];
  const received: unknown[] = [];
  class CountingSocket extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => received.push(data));
    }
    override send(data: Parameters<WebSocket["send"]>[0]): void {
      sent.push(data);
      super.send(data);
    }
  }
  return { sent, received, WebSocketPolyfill: CountingSocket };
}

/** A WebSocket for a client without a network: it connects for ever. */
export class NoNetwork extends EventTarget {
  readonly readyState = 0;
  onopen = null;
  onmessage = null;
  onerror = null;
  onclose = null;
  send(): void {}
  close(): void {}
}

/** Options of a client without a network. */
export const WITHOUT_NETWORK = { WebSocketPolyfill: NoNetwork as unknown as typeof WebSocket };
