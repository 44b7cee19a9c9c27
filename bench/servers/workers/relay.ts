import { DurableObject } from "cloudflare:workers";

/** The floor: forwards each binary frame to everybody else, and nothing more. */
export class Relay extends DurableObject {
  override fetch(): Response {
    return accept(this.ctx);
  }

  override webSocketMessage(socket: WebSocket, message: ArrayBuffer | string): void {
    for (const other of this.ctx.getWebSockets()) if (other !== socket) other.send(message);
  }

  override webSocketClose(socket: WebSocket): void {
    socket.close(1000);
  }
}

export function accept(ctx: DurableObjectState): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  ctx.acceptWebSocket(server);
  return new Response(null, { status: 101, webSocket: client });
}

export default {
  fetch: (request: Request, env: { ROOMS: DurableObjectNamespace }) =>
    env.ROOMS.getByName(new URL(request.url).pathname).fetch(request),
};
