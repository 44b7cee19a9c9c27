/** What peers in a call and the room say of it: media, session descriptions, candidates, ICE servers. */
import * as v from "valibot";
import type { ErrorCode } from "./errors.ts";
import {
  CANDIDATE_CHARACTERS,
  CANDIDATES_PER_MESSAGE,
  CONNECTION_ID_CHARACTERS,
  ICE_FRAGMENT_CHARACTERS,
  SDP_CHARACTERS,
} from "./limits.ts";

/** What a peer offers to the others of a call. */
export interface Media {
  readonly audio: boolean;
  readonly video: boolean;
  /** Whether its owner silenced its microphone. A moderator's mute is `isMuted` of a participant. */
  readonly muted: boolean;
}

/** A participant's part in the call. */
export interface CallMember {
  readonly media: Media;
  /** `reconnecting`: its socket is lost, its place is kept for it, and its media may well go on. */
  readonly state: "connected" | "reconnecting";
}

/** A session description without its kind, which is the type of the message that carries it. */
export interface Description {
  readonly sdp: string;
}

/** As `RTCIceCandidate.toJSON()` gives it. An empty `candidate` says that there are no more. */
export interface IceCandidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
  readonly usernameFragment?: string | null;
}

/** As `RTCConfiguration.iceServers` takes it. */
export interface IceServer {
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** Through which servers peers find each other, as the room tells it. */
export interface IceServers {
  readonly iceServers: readonly IceServer[];
  /** Milliseconds for which the credentials among them are good; absent when they have no end. */
  readonly iceExpiresIn?: number;
  /** Why relays that are configured are missing among them. */
  readonly warning?: ErrorCode;
}

/**
 * Names one incarnation of the connection between two peers. Made by whoever creates its RTCPeerConnection first, at
 * random; messages of another incarnation than the present one are dropped by the receiver.
 */
export type ConnectionId = string;

export const media: v.GenericSchema<unknown, Media> = v.object({
  audio: v.boolean(),
  video: v.boolean(),
  muted: v.boolean(),
});

export const callMember: v.GenericSchema<unknown, CallMember> = v.object({
  media,
  state: v.fallback(v.picklist(["connected", "reconnecting"]), "connected"),
});

export const connectionId: v.GenericSchema<unknown, ConnectionId> = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(CONNECTION_ID_CHARACTERS),
);

export const description: v.GenericSchema<unknown, Description> = v.object({
  sdp: v.pipe(v.string(), v.maxLength(SDP_CHARACTERS)),
});

const fragment = v.exactOptional(v.nullable(v.pipe(v.string(), v.maxLength(ICE_FRAGMENT_CHARACTERS))));

export const iceCandidates: v.GenericSchema<unknown, readonly IceCandidate[]> = v.pipe(
  v.array(
    v.object({
      candidate: v.pipe(v.string(), v.maxLength(CANDIDATE_CHARACTERS)),
      sdpMid: fragment,
      sdpMLineIndex: v.exactOptional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)))),
      usernameFragment: fragment,
    }),
  ),
  v.minLength(1),
  v.maxLength(CANDIDATES_PER_MESSAGE),
  v.readonly(),
);

const iceServer: v.GenericSchema<unknown, IceServer> = v.object({
  urls: v.union([v.string(), v.pipe(v.array(v.string()), v.readonly())]),
  username: v.exactOptional(v.string()),
  credential: v.exactOptional(v.string()),
});

/** The fields of {@link IceServers}, for the messages that carry them. */
export const iceServersFields = {
  iceServers: v.pipe(v.array(iceServer), v.readonly()),
  iceExpiresIn: v.exactOptional(v.number()),
};
