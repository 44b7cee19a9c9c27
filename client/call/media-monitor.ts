import type { PeerId } from "../../shared/rooms.ts";
import type { Clock } from "../base/clock.ts";
import type { LocalInputs } from "./local-inputs.ts";
import type { Peer } from "./peer.ts";

/** Milliseconds between two measurements of loudness. */
const LISTEN_MS = 100;

/** Measurements of loudness between two of the connections' quality. */
const LISTENS_PER_QUALITY = 20;

interface MediaMonitorOptions {
  readonly clock: Clock;
  readonly inputs: Pick<LocalInputs, "listen">;
  readonly peers: ReadonlyMap<PeerId, Pick<Peer, "listen" | "measure">>;
  /** Loudness was measured. */
  readonly measured: () => void;
  readonly problem: (problem: { readonly peer: PeerId; readonly cause: unknown }) => void;
}

/**
 * Measures how loud this client and its peers are, and how well media arrives.
 * @returns a function that stops it
 */
export function monitorMedia({ clock, inputs, peers, measured, problem }: MediaMonitorOptions): () => void {
  let listens = 0;
  let timer: unknown;
  const measureLater = () => {
    timer = clock.setTimeout(() => {
      // Before the app hears of it: a handler that leaves the call stops this timer.
      measureLater();
      const now = clock.now();
      inputs.listen(now);
      const withQuality = ++listens % LISTENS_PER_QUALITY === 0;
      for (const [id, peer] of peers) {
        peer.listen(now);
        if (withQuality) peer.measure().catch((cause: unknown) => problem({ peer: id, cause }));
      }
      measured();
    }, LISTEN_MS);
  };
  measureLater();
  return () => clock.clearTimeout(timer);
}
