import { env, exports } from "cloudflare:workers";
import { RESUME_PROTOCOL, ROOMFUL_PROTOCOL } from "../../shared/messages.ts";
import type { Grant } from "../../shared/rooms.ts";
import { upgradeRequest } from "../../worker/access/admission.ts";
import { WireClient } from "../support/wire-client.ts";

interface OpenOptions {
  /** Subprotocols to offer. None: a stock client. */
  readonly protocols?: readonly string[];
  /** A grant other than the one that the deployment gives to everybody. */
  readonly grant?: Grant;
  /** The secret of a former socket. */
  readonly resume?: string;
}

/** Opens a socket of a room inside workerd, by the Worker's upgrade route, or with a grant straight at the room. */
export async function openClient(room: string, { protocols = [], grant, resume }: OpenOptions = {}) {
  if (grant !== undefined) {
    const subprotocol = protocols[0] === ROOMFUL_PROTOCOL ? ROOMFUL_PROTOCOL : null;
    const resumed = resume === undefined ? {} : { resume };
    const upgrade = upgradeRequest({ grant, subprotocol, origin: null, network: null, ...resumed });
    return clientOf(await env.ROOMS.getByName(room).fetch(upgrade));
  }
  const headers = new Headers({ upgrade: "websocket" });
  const offers = resume === undefined ? protocols : [...protocols, `${RESUME_PROTOCOL}${resume}`];
  if (offers.length > 0) headers.set("sec-websocket-protocol", offers.join(", "));
  return clientOf(await exports.default.fetch(`https://example.com/rooms/${room}`, { headers }));
}

/** Opens a socket of the subprotocol `roomful.v1`. */
export function openRoomful(room: string, grant?: Grant, resume?: string): Promise<WireClient> {
  return openClient(room, {
    protocols: [ROOMFUL_PROTOCOL],
    ...(grant && { grant }),
    ...(resume !== undefined && { resume }),
  });
}

/** Accepts the socket of an upgrade. */
export function clientOf(response: Response): WireClient {
  return new WireClient(socketOf(response), response.headers.get("sec-websocket-protocol"));
}

/** Accepts the socket of an upgrade. What was sent meanwhile arrives in a later turn. @throws when it was refused */
export function socketOf(response: Response): WebSocket {
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no socket: ${response.status}`);
  socket.binaryType = "arraybuffer";
  socket.accept({ allowHalfOpen: false });
  return socket;
}
