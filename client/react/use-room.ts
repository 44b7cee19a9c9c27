import { useEffect, useRef, useState } from "react";
import * as Y from "yjs";
import type { RoomProviderOptions } from "../provider/options.ts";
import { RoomProvider } from "../provider/provider.ts";

/** A room's document, and what connects it. */
export interface OpenRoom {
  readonly doc: Y.Doc;
  readonly provider: RoomProvider;
}

/** The result of opening a room. It names the room, so that no render takes one room's document for another's. */
type Outcome = { readonly serverUrl: string; readonly room: string } & (
  | { readonly type: "opened"; readonly opened: OpenRoom }
  | { readonly type: "failed"; readonly cause: unknown }
);

/**
 * Opens a room with a new document while the component is mounted; another `serverUrl` or `room` opens another one. The
 * options are read when a room is opened: to apply others, give the component another `key`.
 *
 * @returns `null` on a server and until the first effects ran
 * @throws RoomfulError while rendering, as `RoomProvider` does, so that an error boundary can show it
 */
export function useRoom(serverUrl: string, room: string, options: RoomProviderOptions = {}): OpenRoom | null {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const latestOptions = useRef(options);
  // Declared before the effect that reads it, and so run before it.
  useEffect(() => {
    latestOptions.current = options;
  });

  useEffect(() => {
    let isWanted = true;
    let opened: OpenRoom | null = null;
    // StrictMode mounts, unmounts and mounts again in one turn: what is unwanted at its end never opens a socket.
    queueMicrotask(() => {
      if (!isWanted) return;
      try {
        opened = openRoom(serverUrl, room, latestOptions.current);
        setOutcome({ type: "opened", serverUrl, room, opened });
      } catch (cause) {
        setOutcome({ type: "failed", serverUrl, room, cause });
      }
    });
    return () => {
      isWanted = false;
      opened?.provider.destroy();
      opened?.doc.destroy();
      // A component may be hidden and shown again with its state: what is destroyed must not be in it.
      setOutcome(null);
    };
  }, [serverUrl, room]);

  if (outcome === null || outcome.serverUrl !== serverUrl || outcome.room !== room) return null;
  if (outcome.type === "failed") throw outcome.cause;
  return outcome.opened;
}

function openRoom(serverUrl: string, room: string, options: RoomProviderOptions): OpenRoom {
  const doc = new Y.Doc();
  try {
    return { doc, provider: new RoomProvider(serverUrl, room, doc, options) };
  } catch (cause) {
    doc.destroy();
    throw cause;
  }
}
