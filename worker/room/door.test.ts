import { runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";
import { encodeUpdate } from "../../shared/frames.ts";
import { freshRoom, stubOf } from "../../test/room/rooms.ts";
import { textUpdate } from "../../test/support/documents.ts";
import type { Admission } from "../access/admission.ts";
import { newIdentity } from "../sessions/attachment.ts";
import { readSettings } from "../settings/settings.ts";
import { type Organs, organs } from "./organs.ts";

const EDITOR: Admission["grant"] = { capabilities: ["read", "write"] };

/** A socket that notes what it is sent, and when it is closed. */
function fakeSocket(onSend: () => void = () => {}) {
  const socket = {
    readyState: WebSocket.OPEN,
    sent: [] as (string | Uint8Array)[],
    closes: [] as number[],
    send(data: string | Uint8Array) {
      onSend();
      socket.sent.push(data);
    },
    close(code: number) {
      socket.closes.push(code);
      socket.readyState = WebSocket.CLOSING;
    },
    serializeAttachment() {},
  };
  return socket;
}

interface Parts extends Organs {
  /** Lets somebody in who is sent everything. */
  readonly enter: (socket: ReturnType<typeof fakeSocket>, subprotocol: Admission["subprotocol"]) => Organs["sessions"];
  /** Makes each further SQL statement throw. */
  readonly breakStorage: () => void;
}

function withParts(act: (parts: Parts) => void, env: Record<string, string> = {}): Promise<void> {
  return runInDurableObject(stubOf(freshRoom()), (_room, state) => {
    let isBroken = false;
    const sql = {
      exec: (...call: Parameters<SqlStorage["exec"]>) => {
        if (isBroken) throw new Error("the disk is gone");
        return state.storage.sql.exec(...call);
      },
    };
    const storage = { sql, transactionSync: state.storage.transactionSync.bind(state.storage), setAlarm: () => {} };
    const parts = organs("door", readSettings({ LOG_LEVEL: "error", ...env }), {
      storage: storage as unknown as DurableObjectStorage,
      sockets: state,
      survivors: { room: [], webrtc: [] },
    });
    const enter: Parts["enter"] = (socket, subprotocol) => {
      const admission = { grant: EDITOR, subprotocol, origin: null, network: null };
      const session = parts.sessions.open(socket as unknown as WebSocket, admission, {}, newIdentity(""));
      Object.assign(session.state, { wantsDocument: true, wantsPresence: true });
      return parts.sessions;
    };
    act({
      ...parts,
      enter,
      breakStorage: () => {
        isBroken = true;
      },
    });
  });
}

it("a storage failure behind a send is logged with its code, and told as what it is", () =>
  withParts(({ enter, sessions, sync, turns, breakStorage }) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const socket = fakeSocket();
    const [session] = enter(socket, null);
    sync.applyNow(textUpdate("x"));
    sync.discard();
    breakStorage();
    // So much that the room asks for a proof that it is read: a step 1, for which it reads the document.
    turns.run(() => session?.send(new Uint8Array(sessions.maxUnreadBytes / 2)));
    expect(socket.closes).toEqual([4503]);
    expect(logged.mock.calls.map(([line]) => JSON.parse(String(line)).code)).toContain("storage-failed");
    logged.mockRestore();
  }));

it("nothing that a broadcast does to one reader is done before everybody was sent it", () =>
  withParts(
    ({ enter, sessions, sync, turns }) => {
      const order: string[] = [];
      const slow = fakeSocket(() => order.push("slow"));
      const stock = fakeSocket(() => order.push("stock"));
      const last = fakeSocket(() => order.push("last"));
      enter(slow, "roomful.v1");
      enter(stock, null);
      enter(last, "roomful.v1");
      const [first, second] = sessions;
      if (first === undefined || second === undefined) throw new Error("nobody is there");
      // The next frame is one too many for the first, and the second has to prove that it reads.
      first.state.backlog.unread = sessions.maxUnreadBytes;
      second.state.backlog.unread = sessions.maxUnreadBytes / 2;
      turns.run(() => sync.applyNow(textUpdate("x")));
      // The leaving of the first is told to the last, and the second is asked for its proof.
      expect(order).toEqual(["slow", "stock", "last", "last", "stock"]);
      expect(slow.closes).toEqual([4508]);
      expect(stock.sent.map((data) => data.length)).toEqual([encodeUpdate(textUpdate("x")).length, expect.any(Number)]);
    },
    { STRICT: "true" },
  ));

it("a session that ended in a turn is let go of when the turn ends, also when it throws", () =>
  withParts(({ enter, sessions, participants, turns, call }) => {
    const socket = fakeSocket();
    const [session] = enter(socket, "roomful.v1");
    if (session === undefined) throw new Error("nobody is there");
    call.join(session, { audio: true, video: false, muted: false });
    const failing = () =>
      turns.run(() => {
        session.end("kicked");
        expect(sessions.size).toBe(0);
        throw new Error("planted");
      });
    expect(failing).toThrow("planted");
    // A place in the call is kept for whoever is to come again, and not for a peer that a moderator sent away.
    expect(participants.all).toEqual([]);
    expect(call.members).toEqual([]);
  }));
