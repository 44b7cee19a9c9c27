import type { ConnectionId, IceCandidate } from "../../shared/calls.ts";
import type { Clock } from "../base/clock.ts";
import { CandidateBatch } from "./candidates.ts";
import { heard, SILENT, type Voice } from "./levels.ts";
import type { Kind } from "./local-inputs.ts";
import type { MediaPath, NegotiationEffect, NegotiationEvent, Signal } from "./negotiation.ts";
import { qualityOf, type Sample, sampleOf } from "./quality.ts";
import type { Quality } from "./states.ts";

interface PeerOptions {
  readonly clock: Clock;
  readonly newConnection: () => RTCPeerConnection;
  /** The track to send, of each kind. */
  readonly track: (kind: Kind) => MediaStreamTrack | null;
  /** The stream of all sent tracks. */
  readonly localStream: () => MediaStream;
  readonly dispatch: (event: NegotiationEvent) => void;
  readonly send: (signal: Signal) => void;
  /** Whether a signal would arrive. */
  readonly canSend: () => boolean;
  /** An RTCPeerConnection was made, and nothing is negotiated yet. */
  readonly made: (connection: RTCPeerConnection) => void;
  /** The received tracks changed. */
  readonly tracksChanged: () => void;
  readonly problem: (cause: unknown) => void;
}

/** An RTCPeerConnection, and what ends with it. */
interface Incarnation {
  readonly id: ConnectionId;
  readonly rtc: RTCPeerConnection;
  readonly candidates: CandidateBatch;
  readonly senders: Map<Kind, RTCRtpSender>;
}

/** Performs the effects of a negotiation, on one RTCPeerConnection at a time. */
export class Peer {
  /** The received tracks, which come and go. */
  readonly stream = new MediaStream();
  readonly #options: PeerOptions;
  #incarnation: Incarnation | null = null;
  #timer: unknown = null;
  #path: MediaPath = "connecting";
  #wasConnected = false;
  #isSilenced = false;
  #voice: Voice = SILENT;
  #sample: Sample | null = null;
  #quality: Quality | null = null;

  constructor(options: PeerOptions) {
    this.#options = options;
  }

  get state(): "connecting" | "connected" | "reconnecting-media" {
    if (this.#path === "connected") return "connected";
    return this.#wasConnected ? "reconnecting-media" : "connecting";
  }

  get voice(): Voice {
    return this.#voice;
  }

  get quality(): Quality | null {
    return this.#quality;
  }

  perform(effect: NegotiationEffect): void {
    const { clock, dispatch, send } = this.#options;
    switch (effect.type) {
      case "create":
        this.#create(effect.connection, effect.offers);
        return;
      case "close":
        this.#closeIncarnation();
        return;
      case "make-offer":
        this.#operate(effect.connection, async (rtc) => {
          await rtc.setLocalDescription();
          return { type: "offer-made", connection: effect.connection, sdp: localSdp(rtc) };
        });
        return;
      case "accept-offer":
        this.#operate(effect.connection, async (rtc) => {
          await rtc.setRemoteDescription({ type: "offer", sdp: effect.sdp });
          await rtc.setLocalDescription();
          return { type: "offer-accepted", connection: effect.connection, sdp: localSdp(rtc) };
        });
        return;
      case "apply-answer":
        this.#operate(effect.connection, async (rtc) => {
          await rtc.setRemoteDescription({ type: "answer", sdp: effect.sdp });
          return { type: "answer-applied", connection: effect.connection };
        });
        return;
      case "add-candidates":
        for (const candidate of effect.candidates) this.#addCandidate(candidate);
        return;
      case "restart-ice":
        this.#incarnation?.rtc.restartIce();
        return;
      case "send":
        send(effect.signal);
        return;
      case "resend-offer": {
        const { connection, round } = effect;
        const description = this.#incarnation?.rtc.localDescription;
        if (description?.type === "offer") send({ type: "offer", connection, round, sdp: description.sdp });
        return;
      }
      case "set-timer":
        this.#timer = clock.setTimeout(() => dispatch({ type: "timer" }), effect.milliseconds);
        return;
      case "clear-timer":
        clock.clearTimeout(this.#timer);
        return;
      default:
        effect satisfies never;
    }
  }

  /** Sends the candidates that waited for the room. */
  flush(): void {
    this.#incarnation?.candidates.flush();
  }

  /** Sends another track in place of the one before: without negotiation, unless it is the first of its kind. */
  setTrack(kind: Kind, track: MediaStreamTrack | null): void {
    const { problem } = this.#options;
    const incarnation = this.#incarnation;
    if (incarnation === null) return;
    const sender = incarnation.senders.get(kind);
    if (sender !== undefined) void sender.replaceTrack(track).catch(problem);
    else if (track !== null) this.#addTrack(incarnation, kind, track);
  }

  setConfiguration(configuration: RTCConfiguration): void {
    try {
      this.#incarnation?.rtc.setConfiguration(configuration);
    } catch (caught) {
      this.#options.problem(caught);
    }
  }

  /** Drops its sound, or lets it be heard again. */
  silence(isSilenced: boolean): void {
    this.#isSilenced = isSilenced;
    for (const track of this.stream.getAudioTracks()) track.enabled = !isSilenced;
  }

  /** @param now milliseconds */
  listen(now: number): void {
    let level = 0;
    for (const receiver of this.#receivers()) {
      if (receiver.track.kind !== "audio" || this.#isSilenced) continue;
      for (const { audioLevel } of receiver.getSynchronizationSources()) level = Math.max(level, audioLevel ?? 0);
    }
    this.#voice = heard(this.#voice, level, now);
  }

  async measure(): Promise<void> {
    const rtc = this.#incarnation?.rtc;
    if (rtc === undefined || this.#path !== "connected") return;
    const report = await rtc.getStats();
    if (this.#incarnation?.rtc !== rtc) return;
    const sample = sampleOf(report.values());
    if (this.#sample !== null) this.#quality = qualityOf(this.#sample, sample);
    this.#sample = sample;
  }

  close(): void {
    this.#closeIncarnation();
    this.#options.clock.clearTimeout(this.#timer);
  }

  #receivers(): readonly RTCRtpReceiver[] {
    return this.#incarnation?.rtc.getReceivers() ?? [];
  }

  #create(id: ConnectionId, offers: boolean): void {
    const { clock, newConnection, canSend, send, dispatch, made, track, problem } = this.#options;
    let rtc: RTCPeerConnection;
    try {
      rtc = newConnection();
    } catch (caught) {
      // The first operation fails without it, and the negotiation tries again.
      problem(caught);
      return;
    }
    const candidates = new CandidateBatch(id, {
      clock,
      canSend,
      send: (connection, batch) => send({ type: "ice-candidates", connection, candidates: batch }),
    });
    const incarnation: Incarnation = { id, rtc, candidates, senders: new Map() };
    this.#incarnation = incarnation;
    rtc.onnegotiationneeded = () => dispatch({ type: "negotiation-needed", connection: id });
    rtc.onicecandidate = ({ candidate }) => {
      if (candidate !== null) candidates.add(candidate);
    };
    rtc.onconnectionstatechange = () => this.#updatePath(incarnation);
    rtc.ontrack = (event) => this.#addRemoteTrack(incarnation, event.track);
    made(rtc);
    for (const kind of ["audio", "video"] as const) {
      const sent = track(kind);
      if (sent !== null) this.#addTrack(incarnation, kind, sent);
    }
    // Without a transceiver a client that only listens would offer no audio section, and receive nothing.
    if (offers && !incarnation.senders.has("audio")) rtc.addTransceiver("audio", { direction: "recvonly" });
  }

  #addTrack({ rtc, senders }: Incarnation, kind: Kind, track: MediaStreamTrack): void {
    senders.set(kind, rtc.addTrack(track, this.#options.localStream()));
  }

  #addRemoteTrack(incarnation: Incarnation, track: MediaStreamTrack): void {
    if (this.#incarnation !== incarnation) return;
    if (track.kind === "audio") track.enabled = !this.#isSilenced;
    this.stream.addTrack(track);
    this.#options.tracksChanged();
  }

  #updatePath(incarnation: Incarnation): void {
    if (this.#incarnation !== incarnation) return;
    const path = pathOf(incarnation.rtc.connectionState);
    if (path === null || path === this.#path) return;
    this.#path = path;
    this.#wasConnected ||= path === "connected";
    this.#options.dispatch({ type: "path", connection: incarnation.id, path });
  }

  /** Runs an asynchronous step. Its outcome is dispatched even if another connection took the place by then. */
  #operate(connection: ConnectionId, run: (rtc: RTCPeerConnection) => Promise<NegotiationEvent>): void {
    const { dispatch, problem } = this.#options;
    const incarnation = this.#incarnation;
    const running =
      incarnation === null ? Promise.reject(new Error("no RTCPeerConnection could be made")) : run(incarnation.rtc);
    running.then(dispatch, (thrown: unknown) => {
      if (incarnation === this.#incarnation) problem(thrown);
      dispatch({ type: "operation-failed", connection });
    });
  }

  #addCandidate(candidate: IceCandidate): void {
    // A candidate may belong to an ignored offer, or be unreadable for this browser. Another candidate may do.
    this.#incarnation?.rtc.addIceCandidate(candidate as RTCIceCandidateInit).catch(() => {});
  }

  #closeIncarnation(): void {
    const incarnation = this.#incarnation;
    if (incarnation === null) return;
    this.#incarnation = null;
    const { rtc, candidates } = incarnation;
    rtc.onnegotiationneeded = null;
    rtc.onicecandidate = null;
    rtc.onconnectionstatechange = null;
    rtc.ontrack = null;
    rtc.close();
    candidates.close();
    for (const track of this.stream.getTracks()) this.stream.removeTrack(track);
    this.#path = "connecting";
    this.#sample = null;
    this.#quality = null;
    this.#options.tracksChanged();
  }
}

function localSdp({ localDescription }: RTCPeerConnection): string {
  if (localDescription === null) throw new Error("no local description");
  return localDescription.sdp;
}

function pathOf(state: RTCPeerConnectionState): MediaPath | null {
  switch (state) {
    case "new":
    case "connecting":
      return "connecting";
    case "connected":
    case "disconnected":
    case "failed":
      return state;
    case "closed":
      return null;
    default:
      return state satisfies never;
  }
}
