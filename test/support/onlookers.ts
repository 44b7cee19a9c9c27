import { once } from "node:events";
import { WebSocket } from "ws";
import { ROOMFUL_PROTOCOL } from "../../shared/messages.ts";

/**
 * Lets so many into a room who ask for nothing and say nothing: in a crowd the edits of others are gathered, and among a few
 * hardly.
 * @param url of the room
 * @returns what ends them
 */
export async function bringOnlookers(url: string, count: number): Promise<() => void> {
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = new WebSocket(url, ROOMFUL_PROTOCOL);
      socket.on("error", () => {});
      await once(socket, "open");
      return socket;
    }),
  );
  return () => {
    for (const socket of sockets) socket.terminate();
  };
}
