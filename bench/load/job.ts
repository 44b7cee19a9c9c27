import type { Dialect } from "../servers/server.ts";

export interface Target {
  /** A room's URL is this, a slash, and its name. */
  readonly url: string;
  readonly dialect: Dialect;
  /** Of the process whose tree is the server. */
  readonly pid: number;
}

/** How fast writers write: at a rate, or as soon as fewer than so many of theirs have not reached the slowest. */
export type Pace =
  | { readonly kind: "rate"; readonly perSecond: number }
  | { readonly kind: "window"; readonly inFlight: number };

export interface TrafficJob {
  readonly kind: "traffic";
  readonly target: Target;
  readonly content: "updates" | "cursors";
  readonly rooms: number;
  /** Sockets in each room. */
  readonly subscribers: number;
  /** How many of them write. */
  readonly writers: number;
  readonly pace: Pace;
  /** Whether the rooms have a document already: answers to step 1 then hold more than edits of writers. */
  readonly isPopulated?: boolean;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

/** Opens a document that the rooms hold already. */
export interface JoinJob {
  readonly kind: "join";
  readonly target: Target;
  readonly room: string;
  /** How many join at once. */
  readonly joiners: number;
  /** How often, one after the other. */
  readonly turns: number;
  /** What an answer has at least; a smaller one is waited on. */
  readonly leastBytes: number;
  /** The state vector that joiners have, as numbers. */
  readonly stateVector?: readonly number[];
}

/** Brings a document into rooms, and sees that they have it. */
export interface PopulateJob {
  readonly kind: "populate";
  readonly target: Target;
  readonly rooms: readonly string[];
  /** A file that holds it as one update. */
  readonly document: string;
}

/** One writer sends as fast as the socket takes it; in the middle somebody joins. */
export interface BurstJob {
  readonly kind: "burst";
  readonly target: Target;
  readonly updates: number;
  readonly timeoutSeconds: number;
}

/** People in the room `people`, who edit, move their pointers, or just look on. */
export interface PeopleJob {
  readonly kind: "people";
  readonly target: Target;
  /** Those with stock clients, which renew their presence and send on what they hear of others'. */
  readonly stock: number;
  /** Those with clients of `roomful.v1`, which renew it only when they are asked to, and ping. */
  readonly own: number;
  /** How many of them edit, each so often. */
  readonly editors: number;
  readonly updatesPerSecond: number;
  /** How many of them move, each so often. */
  readonly movers: number;
  readonly cursorsPerSecond: number;
  readonly settleSeconds: number;
  readonly seconds: number;
}

/** Sends a document's history, update by update, at the pace at which it is taken. */
export interface HistoryJob {
  readonly kind: "history";
  readonly target: Target;
  readonly room: string;
  /** A file of updates, each behind its length in four bytes, little-endian. */
  readonly history: string;
  /** How many are sent at once. */
  readonly batch: number;
  /** Milliseconds between two batches at least. */
  readonly pauseMs: number;
}

/** Makes some edits. */
export interface EditJob {
  readonly kind: "edit";
  readonly target: Target;
  readonly room: string;
  readonly edits: number;
}

export type Job = TrafficJob | JoinJob | PopulateJob | BurstJob | PeopleJob | HistoryJob | EditJob;

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What was used meanwhile. */
export interface Usage {
  /** Seconds of processor time that the server used. */
  readonly serverCpuSeconds: number;
  /** That the server held at the end. */
  readonly residentBytes: number;
  /** Part of one core that the load generator used itself. */
  readonly loadUtilisation: number;
}

export interface TrafficResult extends Usage {
  readonly seconds: number;
  readonly sent: number;
  /** Edits delivered, each once per subscriber. */
  readonly delivered: number;
  readonly frames: number;
  readonly bytes: number;
  /** Edits that had not come when all should have, or that a frame left out. */
  readonly lost: number;
  /** Milliseconds from write to read. */
  readonly latency: Quantiles;
}

export interface JoinResult extends Usage {
  /** For each joiner of each turn, from the start of its connection until it had the whole answer. */
  readonly milliseconds: readonly number[];
  /** Of one joiner's connection. */
  readonly bytes: number;
}

export interface BurstResult extends Usage {
  /** Until the other subscriber had the last. */
  readonly seconds: number;
  /** How much of the burst the subscriber got when time ran out, or all. */
  readonly delivered: number;
  readonly joinMilliseconds: number | null;
  readonly frames: number;
  readonly lost: number;
}

export interface PeopleResult extends Usage {
  readonly seconds: number;
  /** To the room, pings apart. */
  readonly messages: number;
  /** How many of them were updates. */
  readonly updates: number;
  /** To the people. */
  readonly bytes: number;
}

export interface HistoryResult extends Usage {
  readonly seconds: number;
  readonly updates: number;
  /** Of updates, without what frames add. */
  readonly payloadBytes: number;
}

export interface PopulateResult {
  readonly bytes: number;
}

/** Which result each kind of job has. */
export interface Results {
  readonly traffic: TrafficResult;
  readonly join: JoinResult;
  readonly populate: PopulateResult;
  readonly burst: BurstResult;
  readonly people: PeopleResult;
  readonly history: HistoryResult;
  readonly edit: object;
}
