/** An app with the React hooks, under StrictMode, and what a test has to see of it. */
import { Activity, Component, type ReactNode, StrictMode, useEffect, useState } from "react";
import { flushSync } from "react-dom";
import { createRoot, type Root } from "react-dom/client";
import type { RoomProviderOptions } from "../../client/index.ts";
import {
  type OpenRoom,
  type OtherPresence,
  useParticipants,
  usePresence,
  useRoom,
  useSaved,
} from "../../client/react/index.ts";

/** Every socket that the page made. */
const sockets: WebSocket[] = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    sockets.push(this);
  }
};

/** What the page shows: nothing; or a room, hidden or not. */
interface Wish {
  readonly room: string;
  readonly isHidden?: boolean;
}

interface Seen {
  /** Which room was asked for, and which one the hook gave. */
  readonly room: string;
  readonly given: string | null;
  readonly isDestroyed: boolean;
  readonly others: readonly OtherPresence<{ name: string }>[];
}

const renders: Seen[] = [];
const url = new URLSearchParams(location.search).get("url") ?? "";
const name = new URLSearchParams(location.search).get("name") ?? "";
let options: RoomProviderOptions = { disableBc: true };
let opened: OpenRoom | null = null;
let setWish: (wish: Wish | null) => void = () => {};
let setPresence: (fields: { name?: string }) => void = () => {};

function Member({ room }: { room: string }): ReactNode {
  const open = useRoom(url, room, options);
  const provider = open?.provider ?? null;
  const saved = useSaved(provider);
  const presence = usePresence<{ name: string }>(provider);
  const participants = useParticipants(provider);
  renders.push({
    room,
    given: provider?.roomname ?? null,
    isDestroyed: open?.doc.isDestroyed === true,
    others: presence.others,
  });
  useEffect(() => {
    opened = open;
    setPresence = presence.setPresence;
    presence.setPresence({ name });
  }, [open, presence.setPresence]);
  const names = presence.others.map(({ state }) => state.name ?? "?").join(",");
  return <p title={`${participants.length} connected`}>{`${room}: ${saved.state} ${saved.unsaved} with [${names}]`}</p>;
}

class Boundary extends Component<{ children: ReactNode }, { message: string | null }> {
  override state: { message: string | null } = { message: null };
  static getDerivedStateFromError(cause: Error): { message: string } {
    return { message: `refused: ${cause.message}` };
  }
  override render(): ReactNode {
    return this.state.message ?? this.props.children;
  }
}

function App(): ReactNode {
  const [wish, set] = useState<Wish | null>(null);
  setWish = set;
  if (wish === null) return "nothing";
  return (
    <Activity mode={wish.isHidden === true ? "hidden" : "visible"}>
      <Member room={wish.room} />
    </Activity>
  );
}

let root: Root | null = null;

/** Shows a room, or nothing. */
function show(wish: Wish | null): void {
  if (root === null) {
    const element = document.querySelector("#app");
    if (element === null) throw new Error("no element");
    root = createRoot(element);
    const app = (
      <StrictMode>
        <Boundary>
          <App />
        </Boundary>
      </StrictMode>
    );
    const mounted = root;
    flushSync(() => mounted.render(app));
  }
  flushSync(() => setWish(wish));
}

const api = {
  show,
  setOptions: (next: RoomProviderOptions) => {
    options = { disableBc: true, ...next };
  },
  unmount: () => {
    root?.unmount();
    root = null;
  },
  write: (text: string) => opened?.doc.getText("text").insert(0, text),
  read: () => opened?.doc.getText("text").toString(),
  setPresence: (fields: { name?: string }) => setPresence(fields),
  renders: () => renders.length,
  /** Renders that were given another room than they asked for, or one that was left. */
  strayRenders: () => renders.filter((seen) => seen.isDestroyed || (seen.given ?? seen.room) !== seen.room).length,
  /** How many different lists of others were rendered, by identity. */
  othersSeen: () => new Set(renders.map(({ others }) => others)).size,
  made: () => sockets.length,
  live: () => sockets.filter(({ readyState }) => readyState <= WebSocket.OPEN).map((socket) => socket.url),
};

export type ReactPageApi = typeof api;
Object.assign(globalThis, { app: api });
