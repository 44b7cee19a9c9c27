import { NodeClient } from "./node-client.ts";

/**
 * Brings silent participants into a room: in a crowd the room gathers the edits of others, and among a few hardly.
 * @param url of the room
 * @returns what ends their connections
 */
export async function bringOnlookers(url: string, count: number): Promise<() => void> {
  const onlookers = await Promise.all(Array.from({ length: count }, () => NodeClient.open(url)));
  return () => {
    for (const onlooker of onlookers) onlooker.cut();
  };
}
