import * as Y from "yjs";
import { encodeSyncStep1 } from "../../shared/frames.ts";

/** The state vector of nothing. */
const NOTHING = new Uint8Array([0]);

interface Rebuilding {
  readonly resolve: (doc: Y.Doc) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * The answers to step 1 that the room owes, in their order: one for the synced document, and others for documents that are
 * built anew.
 */
export class RoomAnswers {
  readonly #send: (frame: Uint8Array<ArrayBuffer>) => void;
  readonly #owed: ("document" | Rebuilding)[] = [];
  /** Requests for a new document that wait for a connection. */
  readonly #waiting: Rebuilding[] = [];
  #isOpen = false;

  constructor(send: (frame: Uint8Array<ArrayBuffer>) => void) {
    this.#send = send;
  }

  /** Whether the document has not been compared with the room's on this socket. */
  get owesDocument(): boolean {
    return this.#owed.includes("document");
  }

  /** Asks on a new socket for the document's missing content, and for the new documents that wait. */
  goOnline(doc: Y.Doc): void {
    this.#isOpen = true;
    this.#ask("document", Y.encodeStateVector(doc));
    for (const rebuilding of this.#waiting.splice(0)) this.#ask(rebuilding, NOTHING);
  }

  /** The socket is lost: open requests wait for the next one. */
  goOffline(): void {
    this.#isOpen = false;
    for (const owed of this.#owed.splice(0)) if (owed !== "document") this.#waiting.push(owed);
  }

  destroy(): void {
    this.goOffline();
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("the provider was destroyed"));
  }

  /** Resolves to a new document with the room's content, once there is a connection. */
  rebuild(): Promise<Y.Doc> {
    return new Promise((resolve, reject) => {
      const rebuilding = { resolve, reject };
      if (this.#isOpen) this.#ask(rebuilding, NOTHING);
      else this.#waiting.push(rebuilding);
    });
  }

  /** Matches a step 2 with its request. @returns whether it is for the document; if not, it became a new document */
  isForDocument(update: Uint8Array): boolean {
    const owed = this.#owed.shift();
    if (owed === undefined || owed === "document") return true;
    const doc = new Y.Doc();
    try {
      Y.applyUpdate(doc, update);
      owed.resolve(doc);
    } catch (cause) {
      owed.reject(cause);
    }
    return false;
  }

  /** Ends the oldest request. @returns whether it was for the document; if not, nobody waits for a new document any more */
  refuse(refusal: unknown): boolean {
    const owed = this.#owed.shift();
    if (owed === undefined || owed === "document") return true;
    owed.reject(refusal);
    return false;
  }

  #ask(asker: "document" | Rebuilding, stateVector: Uint8Array): void {
    this.#owed.push(asker);
    this.#send(encodeSyncStep1(stateVector));
  }
}
