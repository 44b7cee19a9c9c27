import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportPKCS8, generateKeyPair, type JWK } from "jose";

/** A key of a provider: what it publishes, and what it signs with. */
export interface ProviderKey {
  readonly keyId: string;
  readonly jwk: JWK;
  readonly privateKey: string;
}

export async function providerKey(keyId: string): Promise<ProviderKey> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  return { keyId, jwk: { ...(await exportJWK(publicKey)), kid: keyId }, privateKey: await exportPKCS8(privateKey) };
}

/** How the provider answers. */
type Mood = "well" | "failing" | "senseless" | "silent" | "empty-handed";

/** An identity provider's key set, on a real port of this machine. */
export class KeyServer {
  readonly #server: Server;
  published: readonly ProviderKey[] = [];
  mood: Mood = "well";
  /** Times that it was asked. */
  asked = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(...keys: ProviderKey[]): Promise<KeyServer> {
    const server = createServer((_request, response) => keyServer.#answer(response));
    const keyServer = new KeyServer(server);
    keyServer.published = keys;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return keyServer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  #answer(response: ServerResponse): void {
    this.asked++;
    switch (this.mood) {
      case "well":
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ keys: this.published.map(({ jwk }) => jwk) }));
        return;
      case "failing":
        response.statusCode = 500;
        response.end();
        return;
      case "senseless":
        response.end("<html>");
        return;
      case "empty-handed":
        response.end('{"keys":"none"}');
        return;
      case "silent":
        return;
      default:
        this.mood satisfies never;
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
