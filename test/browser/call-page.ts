/** A page that calls: what it sends is a tone of its own, and what a test has to see of it. */
import * as Y from "yjs";
import type { CallOptions, JoinOptions, RoomConnectionOptions } from "../../client/index.ts";
import { RoomConnection, RoomProvider } from "../../client/index.ts";
import { holdOffers } from "./held-offers.ts";

/** Everything that a call has to let go of. */
const made = {
  connections: [] as RTCPeerConnection[],
  contexts: [] as AudioContext[],
  tracks: [] as MediaStreamTrack[],
};

const own = new AudioContext();
const { clone } = MediaStreamTrack.prototype;
MediaStreamTrack.prototype.clone = function (): MediaStreamTrack {
  const track = clone.call(this);
  made.tracks.push(track);
  return track;
};
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration?: RTCConfiguration) {
    super(configuration);
    made.connections.push(this);
  }
};
globalThis.AudioContext = class extends AudioContext {
  constructor() {
    super();
    made.contexts.push(this);
  }
};

/** Hertz of the tone of each device. */
let devices: Readonly<Record<string, number>> = {};

/** A microphone in front of which a tone sounds: that of the device asked for, or of the first one. */
async function tone({ audio, video }: MediaStreamConstraints): Promise<MediaStream> {
  const wanted = typeof audio === "object" ? audio.deviceId : undefined;
  const id = typeof wanted === "object" && "exact" in wanted ? String(wanted.exact) : Object.keys(devices)[0];
  const hertz = devices[id ?? ""];
  if (audio && hertz === undefined) throw new DOMException("no such device", "NotFoundError");
  const stream = new MediaStream();
  if (audio) {
    const oscillator = new OscillatorNode(own, { frequency: hertz ?? 0 });
    const out = own.createMediaStreamDestination();
    oscillator.connect(new GainNode(own, { gain: 0.3 })).connect(out);
    oscillator.start();
    for (const track of out.stream.getTracks()) stream.addTrack(track);
  }
  if (video) {
    const canvas = document.createElement("canvas");
    const paint = canvas.getContext("2d");
    let count = 0;
    setInterval(() => paint?.fillRect(count++ % 100, 0, 10, 10), 50);
    for (const track of canvas.captureStream(20).getTracks()) stream.addTrack(track);
  }
  made.tracks.push(...stream.getTracks());
  return stream;
}

/** What plays the others' sound. */
const players: HTMLAudioElement[] = [];
globalThis.Audio = class extends Audio {
  constructor() {
    super();
    players.push(this);
  }
};

interface OpenOptions {
  readonly url: string;
  readonly room: string;
  /** Hertz of each device. */
  readonly devices?: Readonly<Record<string, number>>;
  readonly call?: Pick<CallOptions, "iceTransportPolicy" | "play">;
  /** Whether the real `getUserMedia` is used. */
  readonly isReal?: boolean;
  readonly withDocument?: boolean;
  readonly connection?: Pick<RoomConnectionOptions, "maxBackoffTime" | "pingInterval" | "pingTimeout">;
}

let connection: RoomConnection | null = null;
const states: string[] = [];
const problems: string[] = [];
const sockets: WebSocket[] = [];

class KeptSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    sockets.push(this);
  }
}

function open(options: OpenOptions): void {
  devices = options.devices ?? {};
  const all: RoomConnectionOptions = {
    WebSocketPolyfill: KeptSocket,
    maxBackoffTime: 500,
    ...options.connection,
    call: { ...options.call, ...(options.isReal !== true && { getUserMedia: tone }) },
  };
  connection =
    options.withDocument === true
      ? new RoomProvider(options.url, options.room, new Y.Doc(), { ...all, disableBc: true }).connection
      : new RoomConnection(options.url, options.room, all);
  connection.call.on("state", ({ type }) => states.push(type));
  connection.call.on("problem", ({ cause }) => problems.push(String(cause)));
}

function current(): RoomConnection {
  if (connection === null) throw new Error("not open");
  return connection;
}

const call = () => current().call;
const liveConnections = () => made.connections.filter(({ connectionState }) => connectionState !== "closed");

/** Packets received so far, over all live connections. */
async function packets(): Promise<number> {
  let count = 0;
  for (const each of liveConnections()) {
    for (const entry of (await each.getStats()).values()) {
      if (entry.type === "inbound-rtp") count += entry.packetsReceived;
    }
  }
  return count;
}

/** Packets for each second of sound, by the clock of who sends it: a busy machine does not change that. */
async function packetRate(): Promise<number> {
  const receiver = liveConnections()[0]?.getReceivers()[0];
  const seconds = () => (receiver?.getSynchronizationSources()[0]?.rtpTimestamp ?? 0) / 48_000;
  const [start, before] = [seconds(), await packets()];
  let count = 0;
  while (count < 150) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    count = (await packets()) - before;
  }
  return count / (seconds() - start);
}

const analysers = new Map<MediaStreamTrack, AnalyserNode>();

/** Decibels of each tone in what a peer sends: of full scale; silence is below -100. */
function hears(peer: string, tones: readonly number[]): number[] {
  const track = call()
    .peers.find((each) => each.peer === peer)
    ?.stream.getAudioTracks()[0];
  if (track === undefined) return tones.map(() => Number.NEGATIVE_INFINITY);
  let analyser = analysers.get(track);
  if (analyser === undefined) {
    analyser = new AnalyserNode(own, { smoothingTimeConstant: 0, fftSize: 4_096 });
    own.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    analysers.set(track, analyser);
  }
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  const width = own.sampleRate / analyser.fftSize;
  return tones.map((hertz) => bins[Math.round(hertz / width)] ?? Number.NEGATIVE_INFINITY);
}

/** A peer, as far as it can leave the page. */
function describe() {
  return call().peers.map(({ stream, ...peer }) => ({ ...peer, kinds: stream.getTracks().map(({ kind }) => kind) }));
}

/** Types of the candidates of the pair in use, of each live connection. */
async function candidateTypes(): Promise<string[][]> {
  const all: string[][] = [];
  for (const each of liveConnections()) {
    const report = await each.getStats();
    const entries = [...report.values()];
    const transport = entries.find(({ type }) => type === "transport");
    const pair = report.get(transport?.selectedCandidatePairId);
    const ends = [report.get(pair?.localCandidateId), report.get(pair?.remoteCandidateId)];
    all.push(ends.map((end) => end?.candidateType));
  }
  return all;
}

/** The local ICE user fragment of each live connection. */
function credentials(): (string | undefined)[] {
  return liveConnections().map(({ localDescription }) => /a=ice-ufrag:(\S+)/.exec(localDescription?.sdp ?? "")?.[1]);
}

const channels: RTCDataChannel[] = [];
const received: string[] = [];

const api = {
  open,
  join: (options?: JoinOptions) => call().join(options),
  tryJoin: (options?: JoinOptions) =>
    call()
      .join(options)
      .then(
        () => "joined",
        (cause: Error) => cause.message,
      ),
  leave: () => call().leave(),
  mute: () => call().mute(),
  unmute: () => call().unmute(),
  setInputDevice: (id: string) => call().setInputDevice(id),
  setCamera: (isOn: boolean) => call().setCamera(isOn),
  restartIce: () => call().restartIce(),
  resumePlayback: () => call().resumePlayback(),
  playback: () => call().playback,
  isPlaying: () => players.length > 0 && players.every(({ paused }) => !paused),
  destroy: () => current().destroy(),
  me: () => current().peer,
  state: () => call().state,
  states: () => states,
  problems: () => problems,
  local: () => {
    const { video, ...rest } = call().local;
    return { ...rest, hasVideo: video !== null };
  },
  peers: describe,
  moderate: (peer: string, muted: boolean) => current().moderate({ action: "mute", peer: peer as never, muted }),
  kick: (peer: string) => current().moderate({ action: "kick", peer: peer as never }),
  packets,
  packetRate,
  hears,
  candidateTypes,
  credentials,
  /** Ends the socket as a network would: without a close frame that means to leave. */
  cut: () => sockets.at(-1)?.close(4900),
  socketCount: () => sockets.length,
  /** Says something to the room that the library would not. */
  say: (message: object) => sockets.at(-1)?.send(JSON.stringify(message)),
  sayText: (text: string) => sockets.at(-1)?.send(text),
  heardErrors: () => heardErrors,
  listenForErrors: () =>
    sockets.at(-1)?.addEventListener("message", ({ data }) => {
      if (typeof data === "string" && data.startsWith('{"type":"error"')) heardErrors.push(JSON.parse(data).code);
    }),
  connectionCount: () => made.connections.length,
  openChannels: () =>
    call().on("connection", ({ connection: rtc }) => {
      const channel = rtc.createDataChannel("chat", { negotiated: true, id: 1 });
      channel.onmessage = ({ data }) => received.push(data);
      channels.push(channel);
    }),
  sendOnChannel: (text: string) => {
    const channel = channels.at(-1);
    if (channel?.readyState !== "open") return false;
    channel.send(text);
    return true;
  },
  receivedOnChannel: () => received,
  /** What is not let go of. */
  live: () => ({
    connections: liveConnections().length,
    contexts: made.contexts.filter(({ state }) => state !== "closed").length,
    tracks: made.tracks.filter(({ readyState }) => readyState === "live").length,
  }),
  allMade: () => ({
    connections: made.connections.length,
    contexts: made.contexts.length,
    tracks: made.tracks.length,
  }),
  iceServers: () => liveConnections()[0]?.getConfiguration().iceServers ?? [],
  useTone: (hertz: number) => {
    devices = { only: hertz };
  },
  holdOffers: (url: string, room: string) => holdOffers(url, room, tone),
};

const heardErrors: string[] = [];

// By itself, since what a test evaluates in a page counts as a click.
const query = new URLSearchParams(location.search);
const [listenUrl, listenRoom] = [query.get("url"), query.get("room")];
if (listenUrl !== null && listenRoom !== null) {
  open({ url: listenUrl, room: listenRoom });
  void call().join({ audio: false });
}

export type CallPageApi = typeof api;
Object.assign(globalThis, { page: api });
