import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { RawClient } from "../test/support/raw-client.ts";
import { until } from "../test/support/until.ts";

/** Frames that may be unacknowledged, as a client that types ahead of the room. */
const IN_FLIGHT = 20_000;

/** Sends updates as fast as they are taken. @returns seconds until the last one was acknowledged */
export async function sendAll(client: RawClient, updates: readonly Uint8Array[]): Promise<number> {
  const started = performance.now();
  for (const [index, update] of updates.entries()) {
    client.send(update);
    if (index % 200 === 0) await until(() => index - client.saved < IN_FLIGHT, "acknowledgements", 120_000);
  }
  await until(() => client.saved === updates.length, "the last acknowledgement", 120_000);
  return (performance.now() - started) / 1000;
}

/** A Durable Object that does nothing with a frame but count it, and acknowledges every thousandth. */
const COUNTER = `
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  frames = 0;
  fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client, headers: { "sec-websocket-protocol": "roomful.v1" } });
  }
  webSocketMessage(socket) {
    this.frames++;
    if (this.frames % 1000 === 0) socket.send(JSON.stringify({ type: "saved", frame: this.frames }));
  }
}
export default { fetch: (request, env) => env.COUNTER.getByName("floor").fetch(request) };
`;

/** The frames per second that such an object takes from one socket on this machine, now: what a room can be held to. */
export async function framesPerSecondAtMost(updates: readonly Uint8Array[]): Promise<number> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: COUNTER,
      compatibilityDate: "2026-11-01",
      durableObjects: { COUNTER: { className: "Counter", useSQLite: true } },
      cf: false,
    }),
  );
  const url = await miniflare.ready;
  url.protocol = "ws:";
  const client = await RawClient.connect(url.href);
  const count = Math.floor(updates.length / 1000) * 1000;
  const seconds = await sendAll(client, updates.slice(0, count));
  client.close();
  await miniflare.dispose();
  return count / seconds;
}
