import * as random from "lib0/random";
import * as Y from "yjs";
import type { Clock } from "../base/clock.ts";
import type { Unsaved } from "../document/ledger.ts";
import { type Claim, decodeClaims, encodeClaims, replaceClaim, union } from "./claims.ts";
import type { OfflineStore, OpenOfflineStore } from "./offline-store.ts";

/** The key of the claims in a store. */
const UNSAVED = "roomful-unsaved";

/** Milliseconds in which acknowledgements are gathered before they are stored. A reload in between counts too much. */
const STORE_MS = 1_000;

interface OfflineOptions {
  readonly clock: Clock;
  /** The unsaved content now. */
  readonly unsaved: () => Unsaved;
  /** The stored document is in the document, and this part of it is unsaved. */
  readonly loaded: (unsaved: Unsaved | "everything") => void;
  /** Storage was refused or is full: unsaved content is in memory only. */
  readonly failed: (cause: unknown) => void;
}

/**
 * Keeps the document and a claim of its unsaved content, so that a reload knows both. Newly unsaved content is stored in one
 * transaction with its edit; acknowledgements a little later, since to count too much is no harm. Edits of others cost
 * nothing.
 */
export class Offline {
  readonly #options: OfflineOptions;
  readonly #doc: Y.Doc;
  readonly #store: Promise<OfflineStore | null>;
  readonly #visit = random.uint32();
  #version = 0;
  /** The store, once it is open. */
  #opened: OfflineStore | null = null;
  #isLoaded = false;
  /** Claims of earlier visits that are part of what is unsaved here. */
  #takenOver: readonly Claim[] = [];
  #timer: unknown;
  /** The pending write to a store without `update`. */
  #write: { readonly done: Promise<void>; isOutdated: boolean } | null = null;
  #isFailing = false;
  /** The unsaved content at the end: later edits are not counted any more. */
  #last: Unsaved | null = null;
  #isClosed = false;

  constructor(open: OpenOfflineStore, name: string, doc: Y.Doc, options: OfflineOptions) {
    this.#options = options;
    this.#doc = doc;
    this.#store = Promise.resolve()
      .then(async () => {
        const store = await open(name, doc, options.failed);
        this.#opened = store;
        // The document may have had content before it was opened.
        this.saveUnsaved();
        return store;
      })
      .catch((cause: unknown) => {
        options.failed(cause);
        return null;
      });
  }

  /** Whether a transaction loads the stored document: `loaded` then tells its unsaved part. */
  isLoading(origin: unknown): boolean {
    return !this.#isLoaded && origin === this.#opened && origin !== null;
  }

  /** Resolves when the stored document is there, or nothing can be read. */
  async load(): Promise<void> {
    const store = await this.#store;
    if (store === null) return;
    try {
      // Read together with the document, not after it: a claim must not be newer than the edits that it stands for.
      const [stored] = await Promise.all([store.get(UNSAVED), store.whenSynced]);
      if (this.#isClosed) return;
      const claims = decodeClaims(stored);
      this.#takenOver = claims ?? [];
      this.#isLoaded = true;
      this.#options.loaded(claims === null ? "everything" : union(claims.map(({ unsaved }) => unsaved)));
      this.saveUnsaved();
    } catch (cause) {
      this.#options.failed(cause);
    }
  }

  /** Stores the claim of newly unsaved content, before the store hears of the update: one transaction then has both. */
  saveUnsaved(): void {
    if (!this.#isClosed) this.#save();
  }

  /** Stores the claim a little later, since the room acknowledged some of it. */
  saveUnsavedSoon(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#options.clock.setTimeout(() => this.#save(), STORE_MS);
  }

  /** Stores now what {@link Offline.saveUnsavedSoon} would store later: the page may be gone by then. */
  flush(): void {
    if (!this.#isClosed && this.#timer !== undefined) this.#save();
  }

  /** Stops, and stores the acknowledgements until now. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.flush();
    this.#last = this.#unsaved();
    this.#end();
    await this.#write?.done;
    await this.#withStore((store) => store.destroy());
  }

  /** Stops, and deletes all that is stored. */
  async clear(): Promise<void> {
    if (this.#isClosed) return;
    this.#end();
    await this.#write?.done;
    await this.#withStore((store) => store.clearData());
  }

  #end(): void {
    this.#isClosed = true;
    this.#stopTimer();
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #save(): void {
    this.#stopTimer();
    const store = this.#opened;
    if (store === null) return;
    if (store.update !== undefined) store.update(UNSAVED, this.#change);
    else if (this.#write !== null) this.#write.isOutdated = true;
    else this.#write = { done: this.#saveApart(store), isOutdated: false };
  }

  /** Reads and then writes the claim, for a store without `update`. */
  async #saveApart(store: OfflineStore): Promise<void> {
    do {
      await Promise.resolve();
      if (this.#write !== null) this.#write.isOutdated = false;
      try {
        await store.set(UNSAVED, this.#change(await store.get(UNSAVED)));
        this.#isFailing = false;
      } catch (cause) {
        if (!this.#isFailing) this.#options.failed(cause);
        this.#isFailing = true;
      }
    } while (this.#write?.isOutdated === true);
    this.#write = null;
  }

  /** The claim is computed at the moment of the write, and so counts all edits of the same transaction. */
  readonly #change = (stored: unknown): ArrayBuffer => {
    const unsaved = this.#last ?? this.#unsaved();
    const claim = { visit: this.#visit, version: ++this.#version, unsaved };
    return encodeClaims(replaceClaim(decodeClaims(stored) ?? [], claim, this.#takenOver));
  };

  #unsaved(): Unsaved {
    const { from, deletions } = this.#options.unsaved();
    const { clientID, store } = this.#doc;
    // The own clock is claimed even if nothing of it is unsaved: a later edit counts although its own claim may be lost.
    const own = from.get(clientID) ?? Y.getState(store, clientID);
    return { from: new Map([...from, [clientID, own]]), deletions };
  }

  async #withStore(work: (store: OfflineStore) => Promise<unknown>): Promise<void> {
    try {
      // An open store is used in the same turn: y-indexeddb closes its database when the document is destroyed.
      const store = this.#opened ?? (await this.#store);
      if (store !== null) await work(store);
    } catch (cause) {
      this.#options.failed(cause);
    }
  }
}
