/** What the test pages run, bundled with an unmodified y-websocket. */
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";

/** Opens a plain socket. @returns how it ended, as a page sees it */
function openSocket(url: string, protocols: string[]): Promise<{ code: number; reason: string; protocol: string }> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    socket.onclose = ({ code, reason }) => resolve({ code, reason, protocol: socket.protocol });
  });
}

function provide(url: string, room: string) {
  const doc = new Y.Doc();
  const provider = new WebsocketProvider(url, room, doc, { disableBc: true, protocols: ["y-websocket"] });
  return { provider, text: doc.getText("text"), awareness: provider.awareness };
}

const api = { openSocket, provide };
export type PageApi = typeof api;
Object.assign(globalThis, { roomfulTest: api });
