/** What a call tells an app. Each value is immutable: another one takes its place when something changed. */
import type { ErrorCode } from "../../shared/errors.ts";
import type { PeerId } from "../../shared/rooms.ts";

export type CallState =
  /** Not in the call. */
  | { readonly type: "idle" }
  /** Waits for the microphone, for a connection, or for the room. */
  | { readonly type: "joining" }
  | { readonly type: "joined" }
  /** The connection to the room is lost. Media flows on; nobody new gets in until it is back. */
  | { readonly type: "reconnecting-signaling" }
  /** Media to or from some is interrupted. */
  | { readonly type: "reconnecting-media"; readonly peers: readonly PeerId[] }
  /** The room let this client not in, or out. */
  | { readonly type: "refused"; readonly code: ErrorCode; readonly message: string };

/** A microphone or a camera. */
export type DeviceState =
  /** Not asked for. */
  | { readonly type: "off" }
  /** The browser asks, or the device starts. */
  | { readonly type: "asking" }
  | { readonly type: "on"; readonly deviceId: string; readonly label: string }
  /** The user or the browser's settings said no. */
  | { readonly type: "denied" }
  /** There is none, none of that id, or it was unplugged. */
  | { readonly type: "missing" }
  /** It can't be read, for instance since another app has it. */
  | { readonly type: "failed"; readonly cause: unknown };

/** What this client sends. */
export interface LocalMedia {
  readonly microphone: DeviceState;
  readonly camera: DeviceState;
  /** What the camera sees; without sound. `null` as long as it is off. */
  readonly video: MediaStream | null;
  /** Whether `mute()` was called. */
  readonly isMuted: boolean;
  /** Whether a moderator silenced this client: it sends silence, and others' clients drop its sound anyway. */
  readonly isMutedByModerator: boolean;
  /** What the microphone hears, from 0 to 1 (full scale), also while muted. */
  readonly level: number;
  /** Whether somebody speaks into it. */
  readonly isSpeaking: boolean;
  /** Whether somebody speaks and nobody hears it. */
  readonly isSpeakingWhileMuted: boolean;
}

/** How well media arrives from a peer, over the last seconds. */
export interface Quality {
  /** Packets lost, from 0 to 1. */
  readonly loss: number;
  /** Milliseconds to the peer and back; `null` as long as it is not measured. */
  readonly rttMs: number | null;
  /** Whether media goes through a TURN server. */
  readonly relayed: boolean;
}

/** Somebody else in the call. */
export interface CallPeer {
  readonly peer: PeerId;
  readonly state:
    | "connecting"
    | "connected"
    /** Its connection to the room is lost; media may flow on. */
    | "reconnecting-signaling"
    /** Media was connected, and is interrupted. */
    | "reconnecting-media";
  /** What it sends. The same object as long as it is in the call; its tracks come and go. */
  readonly stream: MediaStream;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Whether it muted itself. */
  readonly isMuted: boolean;
  /** Whether a moderator silenced it. Its sound is dropped here. */
  readonly isMutedByModerator: boolean;
  /** From 0 to 1 (full scale), in steps of 1/20. */
  readonly level: number;
  readonly isSpeaking: boolean;
  /** `null` until it is measured, some seconds after it connected. */
  readonly quality: Quality | null;
}

/** Whether the browser lets sound be played: most want a click first. */
export type Playback = "playing" | "blocked";

export interface CallEvents {
  state: (state: CallState) => void;
  /** Somebody came, left or changed. */
  peers: (peers: readonly CallPeer[]) => void;
  local: (local: LocalMedia) => void;
  /** With `blocked`, call `resumePlayback()` from a click. */
  playback: (playback: Playback) => void;
  /**
   * An RTCPeerConnection was made, before anything is negotiated: the place to add a data channel (`negotiated: true`, with
   * an id of the app's choice). Another one may take its place at any time, and is told too.
   */
  connection: (made: { readonly peer: PeerId; readonly connection: RTCPeerConnection }) => void;
  /** Something that ends nothing, for logs: what the browser or the room would not do. */
  problem: (problem: { readonly peer?: PeerId; readonly cause: unknown }) => void;
}
