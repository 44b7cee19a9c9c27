import { once } from "node:events";
import { WebSocket } from "ws";
import { ROOMFUL_PROTOCOL } from "../../shared/messages.ts";
import { WireClient } from "./wire-client.ts";

interface OpenOptions {
  /** Whether to be a stock client, which offers no subprotocol. */
  readonly isStock?: boolean;
  /** A token. It rides as a header, which leaves a stock client's subprotocols alone. */
  readonly token?: string;
  /** Subprotocols to offer after `roomful.v1`. */
  readonly offers?: readonly string[];
}

/** A {@link WireClient} on a socket of the network. */
export class NodeClient extends WireClient {
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket, isStock: boolean) {
    super(socket, isStock ? null : ROOMFUL_PROTOCOL);
    this.#socket = socket;
  }

  /**
   * @param url of the room
   * @throws when the upgrade is refused
   */
  static async open(url: string, { isStock = false, token, offers = [] }: OpenOptions = {}): Promise<NodeClient> {
    const socket = new WebSocket(url, isStock ? [] : [ROOMFUL_PROTOCOL, ...offers], {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    socket.binaryType = "arraybuffer";
    socket.on("error", () => {});
    // The room's first messages may come with its answer to the upgrade: the client has to listen by then.
    const client = new NodeClient(socket, isStock);
    await once(socket, "open");
    return client;
  }

  /** Ends the connection without a close frame. */
  cut(): void {
    this.#socket.terminate();
  }
}
