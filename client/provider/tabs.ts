import * as channel from "lib0/broadcastchannel";
import * as Y from "yjs";
import { RoomfulError } from "../../shared/errors.ts";
import { decodeFrame, encodeSyncStep1, encodeSyncStep2, encodeUpdate, type Frame } from "../../shared/frames.ts";
import type { DocumentSync } from "../document/document-sync.ts";
import type { Presence } from "./presence.ts";

interface TabsOptions {
  readonly doc: Y.Doc;
  readonly sync: DocumentSync;
  readonly presence: Presence;
}

/**
 * The other tabs of one origin that show the same room for the same subject, by BroadcastChannel: the frames are those of
 * the wire. Providers in one tab hear each other too. Where the environment has no such channel, there are no other tabs.
 */
export class Tabs {
  readonly #options: TabsOptions;
  #name: string | null = null;

  constructor(options: TabsOptions) {
    this.#options = options;
  }

  /** Joins a channel, and leaves the one before. Exchanges documents and presence with the tabs there. */
  join(name: string): void {
    if (this.#name === name) return;
    this.leave();
    this.#name = name;
    channel.subscribe(name, this.#subscriber);
    const { doc, sync, presence } = this.#options;
    this.publish(encodeSyncStep1(Y.encodeStateVector(doc)));
    if (!sync.isRejected) this.publish(encodeUpdate(Y.encodeStateAsUpdate(doc)));
    presence.askTabs();
  }

  leave(): void {
    if (this.#name === null) return;
    this.#options.presence.leaveTabs();
    channel.unsubscribe(this.#name, this.#subscriber);
    this.#name = null;
  }

  publish(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#name !== null) channel.publish(this.#name, frame, this);
  }

  readonly #subscriber = (data: unknown, origin: unknown): void => {
    if (origin === this) return;
    if (data instanceof Uint8Array) this.#applyBytes(data);
    else if (data instanceof ArrayBuffer) this.#applyBytes(new Uint8Array(data));
  };

  #applyBytes(bytes: Uint8Array): void {
    try {
      this.#applyFrame(decodeFrame(bytes));
    } catch (caught) {
      // A tab of another version may send frames that this one can't read. The room delivers their content anyway.
      if (!(caught instanceof RoomfulError)) throw caught;
    }
  }

  #applyFrame(frame: Frame): void {
    const { doc, sync, presence } = this.#options;
    switch (frame.type) {
      case "sync-step-1":
        // Another tab would send the refused edit to the room again.
        if (!sync.isRejected) this.publish(encodeSyncStep2(Y.encodeStateAsUpdate(doc, frame.stateVector)));
        return;
      case "sync-step-2":
      case "update":
        sync.applyFromTab(frame.update);
        return;
      case "awareness":
        presence.applyFromTab(frame.entries);
        return;
      case "query-awareness":
        presence.answerTabs();
        return;
      case "auth":
        return;
      default:
        frame satisfies never;
    }
  }
}
