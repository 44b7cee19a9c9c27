import type { Quality } from "./states.ts";

/** Counts of a connection so far, of which two make a quality. */
export interface Sample {
  readonly received: number;
  readonly lost: number;
  readonly rttMs: number | null;
  readonly relayed: boolean;
}

type Statistics = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

/**
 * Reads what a connection counted.
 * @see https://www.w3.org/TR/webrtc-stats/
 */
export function sampleOf(report: Iterable<Statistics>): Sample {
  const all = [...report];
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  let [received, lost] = [0, 0];
  for (const entry of all) {
    if (entry.type !== "inbound-rtp") continue;
    received += numberOf(entry.packetsReceived) ?? 0;
    lost += numberOf(entry.packetsLost) ?? 0;
  }
  const pair = selectedPair(all, byId);
  const seconds = numberOf(pair?.currentRoundTripTime);
  const ends = [pair?.localCandidateId, pair?.remoteCandidateId].map((id) => byId.get(String(id)));
  return {
    received,
    lost,
    rttMs: seconds === undefined ? null : seconds * 1_000,
    relayed: ends.some((end) => end?.candidateType === "relay"),
  };
}

/** @param before of the same connection */
export function qualityOf(before: Sample, now: Sample): Quality {
  const received = Math.max(0, now.received - before.received);
  // A packet counted as lost may still arrive: the count then goes back.
  const lost = Math.max(0, now.lost - before.lost);
  const expected = received + lost;
  return { loss: expected === 0 ? 0 : lost / expected, rttMs: now.rttMs, relayed: now.relayed };
}

function selectedPair(all: readonly Statistics[], byId: ReadonlyMap<string, Statistics>): Statistics | undefined {
  const transport = all.find(({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId);
  if (transport !== undefined) return byId.get(String(transport.selectedCandidatePairId));
  // Firefox marks the pair itself.
  return all.find(({ type, selected }) => type === "candidate-pair" && selected === true);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
