/** A page with an unmodified y-webrtc. */
import { WebrtcProvider } from "y-webrtc";
import * as Y from "yjs";

const doc = new Y.Doc();
let provider: WebrtcProvider | null = null;

const api = {
  connect: (room: string, signaling: string[], password?: string) => {
    provider = new WebrtcProvider(room, doc, {
      signaling,
      filterBcConns: true,
      ...(password !== undefined && { password }),
    });
  },
  write: (text: string) => doc.getText("text").insert(0, text),
  read: () => doc.getText("text").toString(),
  peers: () => [...(provider?.room?.webrtcConns.keys() ?? [])],
  isSignaling: () => provider?.signalingConns.some(({ connected }) => connected) ?? false,
};

export type WebrtcPageApi = typeof api;
Object.assign(globalThis, { stock: api });
