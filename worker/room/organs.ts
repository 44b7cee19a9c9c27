import { RoomLimits } from "../access/room-limits.ts";
import { Rules } from "../access/rules.ts";
import { TokenVerifier } from "../access/token-verifier.ts";
import { Call } from "../calls/call.ts";
import { IceServerSource } from "../calls/ice-servers.ts";
import { Places } from "../calls/places.ts";
import { Signaling } from "../calls/signaling.ts";
import { WebrtcSignaling } from "../calls/webrtc-signaling.ts";
import { Limiter, ratesOf } from "../metering/limiter.ts";
import { Refusals } from "../metering/refusals.ts";
import { Moderator } from "../people/moderation.ts";
import { Participants } from "../people/participants.ts";
import { Presence } from "../people/presence.ts";
import type { Clock } from "../runtime/clock.ts";
import { createLog } from "../runtime/logging.ts";
import { Turns } from "../runtime/turns.ts";
import { Sessions } from "../sessions/sessions.ts";
import { unreadBound } from "../sessions/unread-bound.ts";
import type { Settings } from "../settings/settings.ts";
import { Deadlines } from "../storage/deadlines.ts";
import { Store } from "../storage/store.ts";
import { Sync } from "../sync/sync.ts";
import { Dispatch } from "./dispatch.ts";
import { Door } from "./door.ts";
import { Lifetime } from "./lifetime.ts";
import { Renewal } from "./renewal.ts";

/** The part of the platform that the parts of a room need. */
export interface Platform {
  readonly storage: DurableObjectStorage;
  /** Takes sockets. */
  readonly sockets: Pick<DurableObjectState, "acceptWebSocket">;
  /** Sockets that outlived the former object: those of the room, and those of `y-webrtc`. */
  readonly survivors: { readonly room: readonly WebSocket[]; readonly webrtc: Iterable<WebSocket> };
  readonly clock?: Clock;
}

export type Organs = ReturnType<typeof organs>;

/**
 * The parts of a room, each built from those above it.
 * @param room its name
 */
export function organs(room: string, settings: Settings, { storage, sockets, survivors, clock }: Platform) {
  const log = createLog(settings.LOG_LEVEL, { room });
  const turns = new Turns(clock);
  const store = new Store(storage);
  const deadlines = new Deadlines(store, { setAlarm: (at) => void storage.setAlarm(at), now: () => turns.now() });
  const rules = new Rules(store);
  const limits = new RoomLimits(settings, rules);
  const sessions = new Sessions(survivors.room, { store, maxUnreadBytes: unreadBound(settings), log, clock: turns });
  const limiter = new Limiter(ratesOf(settings), () => turns.now());
  const refusals = new Refusals(log, limiter);
  const sync = new Sync(sessions, store, { settings, limits, log, limiter, refusals, clock: turns });
  const places = new Places(sessions, deadlines, log, turns);
  const participants = new Participants(sessions, places, turns);
  const presence = new Presence(sessions, {
    coalesceMs: settings.PRESENCE_COALESCE_MS,
    maxBytes: settings.MAX_PRESENCE_BYTES,
    participants,
    clock: turns,
  });
  const call = new Call({ sessions, places, participants, maxMembers: settings.MAX_CALL_MEMBERS });
  const iceServers = new IceServerSource(settings, { log });
  const signaling = new Signaling({ sessions, call, iceServers, refusals, turns });
  const webrtc = new WebrtcSignaling(survivors.webrtc, { rules, refusals, limiter });
  const life = { storage, store, deadlines, rules, limits, sessions, webrtc, places, call, sync, turns, log };
  const lifetime = new Lifetime(life);
  const people = { sessions, sync, presence, participants, places, call, signaling, webrtc };
  const door = new Door({ room, sockets, settings, rules, limits, limiter, refusals, ...people, lifetime, log });
  turns.sweptBy(door);
  const moderator = new Moderator(sessions, rules, door);
  const verifier = settings.AUTH === "open" ? null : new TokenVerifier(settings);
  const renewal = new Renewal({ room, verifier, sessions, limiter, refusals, turns });
  const maxFrameBytes = settings.MAX_FRAME_BYTES;
  const handlers = { sessions, sync, presence, moderator, signaling, limiter, refusals, renewal };
  const dispatch = new Dispatch({ ...handlers, maxFrameBytes });
  return {
    turns,
    store,
    rules,
    sessions,
    limiter,
    refusals,
    sync,
    participants,
    presence,
    call,
    iceServers,
    webrtc,
    lifetime,
    door,
    moderator,
    dispatch,
  };
}
