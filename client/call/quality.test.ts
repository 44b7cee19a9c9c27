import { expect, it } from "vitest";
import { heard, SILENT } from "./levels.ts";
import { qualityOf, sampleOf } from "./quality.ts";

const rtp = { id: "rtp", type: "inbound-rtp", packetsReceived: 100, packetsLost: 3 };
const video = { id: "video", type: "inbound-rtp", packetsReceived: 10, packetsLost: 1 };
const pair = { id: "pair", type: "candidate-pair", localCandidateId: "l", remoteCandidateId: "r" };
const local = { id: "l", type: "local-candidate", candidateType: "host" };
const remote = { id: "r", type: "remote-candidate", candidateType: "relay" };

it("counts all that is received, and knows the pair in use as Chromium and as Firefox tell it", () => {
  const timed = { ...pair, currentRoundTripTime: 0.02 };
  const chromium = [rtp, video, timed, local, remote, { id: "t", type: "transport", selectedCandidatePairId: "pair" }];
  const firefox = [rtp, video, { ...pair, id: "other" }, { ...timed, selected: true }, local, remote];
  for (const report of [chromium, firefox]) {
    expect(sampleOf(report)).toEqual({ received: 110, lost: 4, rttMs: 20, relayed: true });
  }
  expect(sampleOf([rtp, local])).toEqual({ received: 100, lost: 3, rttMs: null, relayed: false });
});

it("loss is that of the time between two samples, and never below nothing", () => {
  const sample = { received: 100, lost: 10, rttMs: 5, relayed: false };
  expect(qualityOf(sample, { ...sample, received: 190, lost: 20 }).loss).toBeCloseTo(0.1);
  expect(qualityOf(sample, sample).loss).toBe(0);
  expect(qualityOf(sample, { ...sample, received: 120, lost: 5 }).loss).toBe(0);
});

it("somebody who pauses for a moment still speaks, and noise is no speech", () => {
  const loud = heard(SILENT, 0.31, 1_000);
  expect(loud).toMatchObject({ level: 0.3, isSpeaking: true });
  expect(heard(loud, 0, 1_300)).toMatchObject({ level: 0, isSpeaking: true });
  expect(heard(loud, 0, 1_500).isSpeaking).toBe(false);
  expect(heard(SILENT, 0.01, 1_000).isSpeaking).toBe(false);
});
