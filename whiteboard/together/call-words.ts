/** Words for the states of a call. */
import type { CallPeer, CallState, DeviceState, ErrorCode, LocalMedia, Playback, Quality } from "../../client/index.ts";

/** The action that is offered beside the words. */
export type CallRemedy = "hear" | "choose-microphone" | "join-again" | null;

export interface CallNote {
  readonly text: string;
  readonly remedy: CallRemedy;
}

const REFUSALS: { readonly [Code in ErrorCode]?: string } = {
  "call-full": "As many people are in the call as it takes.",
  forbidden: "You may not be in this call.",
  kicked: "A moderator removed you.",
  banned: "A moderator shut you out.",
};

/** Seconds on end matter little: these are what makes words hard to follow. */
const POOR = { loss: 0.05, rttMs: 400 };

/** The one thing that somebody in a call should know now; `null` when all is well. */
export function callNote(state: CallState, local: LocalMedia, playback: Playback): CallNote | null {
  switch (state.type) {
    case "idle":
      return null;
    case "refused":
      return { text: `The call is over for you. ${REFUSALS[state.code] ?? "Try again later."}`, remedy: "join-again" };
    case "joining":
      return {
        text: local.microphone.type === "asking" ? "Your browser asks for the microphone…" : "Joining…",
        remedy: null,
      };
    case "reconnecting-signaling":
      return { text: "The room is away. You still hear who is in the call.", remedy: null };
    case "reconnecting-media":
    case "joined": {
      // A click is what the browser waits for: nothing is heard before.
      if (playback === "blocked") return { text: "Your browser waits for a click.", remedy: "hear" };
      const microphone = microphoneNote(local.microphone);
      if (microphone !== null) return { text: microphone, remedy: "choose-microphone" };
      if (local.isMutedByModerator) return { text: "A moderator muted you.", remedy: null };
      if (local.isSpeakingWhileMuted) return { text: "You are muted.", remedy: null };
      return state.type === "joined" ? null : { text: "A connection is interrupted. It is tried again.", remedy: null };
    }
    default:
      return state satisfies never;
  }
}

function microphoneNote(microphone: DeviceState): string | null {
  switch (microphone.type) {
    case "denied":
      return "The microphone is blocked: you only listen. Allow it beside the page’s address to speak.";
    case "missing":
      return "There is no microphone: you only listen.";
    case "failed":
      return "The microphone can’t be used, perhaps since another program has it: you only listen.";
    case "off":
      return "You only listen.";
    case "asking":
    case "on":
      return null;
    default:
      return microphone satisfies never;
  }
}

/** How somebody in the call is, in words. */
export function peerWords(peer: CallPeer): string {
  const words = [STATES[peer.state]];
  if (peer.isMutedByModerator) words.push("muted by a moderator");
  else if (!peer.hasAudio) words.push("listening only");
  else if (peer.isMuted) words.push("muted");
  else if (peer.isSpeaking) words.push("speaking");
  if (peer.state === "connected" && peer.quality !== null) words.push(qualityWords(peer.quality));
  return words.filter((word) => word !== "").join(", ");
}

const STATES: Readonly<Record<CallPeer["state"], string>> = {
  connecting: "connecting",
  connected: "",
  "reconnecting-signaling": "reconnecting",
  "reconnecting-media": "connection interrupted",
};

export function isPoor({ loss, rttMs }: Quality): boolean {
  return loss > POOR.loss || (rttMs ?? 0) > POOR.rttMs;
}

function qualityWords(quality: Quality): string {
  const { loss, rttMs, relayed } = quality;
  const figures = [
    ...(rttMs === null ? [] : [`${Math.round(rttMs)} ms`]),
    ...(loss > 0.005 ? [`${Math.round(loss * 100)} % lost`] : []),
    ...(relayed ? ["relayed"] : []),
  ];
  return `${isPoor(quality) ? "poor" : "good"} connection${figures.length === 0 ? "" : ` (${figures.join(", ")})`}`;
}
