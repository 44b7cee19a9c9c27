import { setTimeout as pause } from "node:timers/promises";
import { IsolateInspector } from "../../support/isolate-inspector.ts";
import type { Plant } from "../../support/plant.ts";
import { freePort } from "../../support/ports.ts";
import { processListeningOn, residentBytes } from "../support/runtime-process.ts";
import { randomFrom } from "../support/scale.ts";
import { TorturedServer } from "../support/tortured-server.ts";
import { demand } from "../support/violation.ts";
import { type SoakCount, SoakRoom } from "./soak-room.ts";

interface SoakOptions {
  readonly seed: number;
  readonly seconds: number;
  /** The run goes on until so many sockets came and went. */
  readonly leastPassed: number;
  readonly rooms: number;
  /** Characters that an edit inserts at most. */
  readonly letters: number;
  /** Sockets that come and go in each room at the same time. */
  readonly passersby: number;
  readonly evictEveryMs: number;
  readonly sampleEveryMs: number;
  /** Milliseconds of silence at the end. */
  readonly silenceMs: number;
  /** Milliseconds within which the room must do what is asked of it. */
  readonly patience: number;
  readonly plant?: Plant;
}

/** One look at the server. Rows, bytes and edits are those since the look before. */
export interface Sample {
  /** Seconds since the beginning. */
  readonly at: number;
  /** Bytes in use after garbage collection. */
  readonly heapBytes: number;
  /** `null` where it is not known. */
  readonly residentBytes: number | null;
  readonly rowsPerEdit: number;
  readonly bytesPerEdit: number;
  /** Of all rooms together, since the beginning. */
  readonly edits: number;
  readonly passed: number;
}

interface SoakFigures {
  readonly samples: readonly Sample[];
  readonly edits: number;
  readonly passed: number;
  readonly evictions: number;
  /** Of the second and the last third of the run: means of the heap, medians of the others. */
  readonly heap: readonly [number, number];
  readonly rowsPerEdit: readonly [number, number];
  readonly bytesPerEdit: readonly [number, number];
  /** Of the room that wrote most. */
  readonly rowsPerSecond: number;
  /** Bytes written per byte of update payload. */
  readonly bytesPerByte: number;
  /** Bytes of heap while nobody did anything, after the warm-up and at the end. */
  readonly heapAtRest: readonly [number, number];
  /** Rooms that hibernated by themselves in the silence at the end. */
  readonly hibernated: number;
}

/** How much more the last third of a run may have on average than the second. */
const FLAT = 1.5;
/** What DESIGN's budget allows to a room, whatever goes on in it. */
const ROWS_PER_SECOND = 10;
/** Likewise, bytes written per byte of update payload. */
const BYTES_PER_BYTE = 3;
/**
 * Bytes per room that the heap at rest may have grown after the warm-up, however much came and went: code that was
 * compiled since, and the leavers that a room remembers. 60,000 to 75,000 were measured.
 */
const HEAP_GROWTH = 180_000;

/** Mixed work on some rooms for a long time: what it costs must not grow, and nothing may go on after it. */
export async function runSoak(options: SoakOptions): Promise<SoakFigures> {
  const { seed, seconds, plant, patience } = options;
  const say = (promise: string) => `seed ${seed}, ${seconds} s: ${promise}`;
  const inspectorPort = await freePort();
  const server = await TorturedServer.start({ inspectorPort, ...(plant && { plant }) });
  const url = await server.url();
  const inspector = await IsolateInspector.connect(inspectorPort, url);
  const rooms = Array.from(
    { length: options.rooms },
    (_, index) =>
      new SoakRoom({
        server,
        name: `soak ${index}`,
        random: randomFrom(seed + index),
        letters: options.letters,
        passersby: options.passersby,
        // The others keep their memory throughout: what leaks stays to be seen.
        evictEveryMs: index % 2 === 1 ? options.evictEveryMs : null,
        say,
        patience,
      }),
  );
  try {
    for (const room of rooms) await room.open();
    for (const room of rooms) room.start();
    const samples: Sample[] = [];
    const pid = processListeningOn(Number(new URL(url).port));
    const look = async (): Promise<SoakCount[]> => Promise.all(rooms.map((room) => room.measure()));
    const started = performance.now();
    /** Milliseconds in which nobody worked. */
    let rested = 0;
    const atRest = async () => {
      const stopped = performance.now();
      const heap = await whileAllRest(rooms, () => inspector.heapAtRest());
      rested += performance.now() - stopped;
      return heap;
    };
    let warm: number | undefined;
    let last = total(await look());
    let counts: SoakCount[] = [];
    /** Whether a part of the run is over. */
    const isOver = (part: number) =>
      performance.now() - started > part * seconds * 1_000 && last.passed >= part * options.leastPassed;
    while (!isOver(1)) {
      await pause(options.sampleEveryMs);
      counts = await look();
      const now = total(counts);
      const edits = Math.max(1, now.edits - last.edits);
      samples.push({
        at: (performance.now() - started) / 1_000,
        heapBytes: await inspector.heapBytes(),
        residentBytes: residentBytes(pid),
        rowsPerEdit: (now.rows - last.rows) / edits,
        bytesPerEdit: (now.bytesWritten - last.bytesWritten) / edits,
        edits: now.edits,
        passed: now.passed,
      });
      last = now;
      if (isOver(1 / 3)) warm ??= await atRest();
    }
    const elapsed = (performance.now() - started - rested) / 1_000;
    if (warm === undefined) throw new Error("the run was too short to warm up");
    const heapAtRest = [warm, await atRest()] as const;
    const rowsPerSecond = Math.max(...counts.map(({ rows }) => rows / elapsed));
    const bytesPerByte = last.bytesWritten / last.updateBytes;
    const figures = { ...last, samples, rowsPerSecond, bytesPerByte, heapAtRest, ...trends(samples) };
    demandFlat(figures, rooms.length, say);
    for (const room of rooms) await room.stop();
    const silences = await Promise.all(rooms.map((room) => room.demandSilence(options.silenceMs)));
    return { ...figures, hibernated: silences.filter((hibernated) => hibernated).length };
  } finally {
    for (const room of rooms) room.abandon();
    inspector.close();
    await server.stop();
  }
}

function total(counts: readonly SoakCount[]): SoakCount {
  const sum = (key: keyof SoakCount) => counts.reduce((all, count) => all + count[key], 0);
  return {
    edits: sum("edits"),
    rows: sum("rows"),
    bytesWritten: sum("bytesWritten"),
    updateBytes: sum("updateBytes"),
    passed: sum("passed"),
    evictions: sum("evictions"),
  };
}

/** Does something while all rooms rest. */
function whileAllRest<Result>(rooms: readonly SoakRoom[], work: () => Promise<Result>): Promise<Result> {
  return rooms.reduce<() => Promise<Result>>((inner, room) => () => room.whileAtRest(inner), work)();
}

type Trends = Pick<SoakFigures, "heap" | "rowsPerEdit" | "bytesPerEdit">;

/** The first third is for warming up. */
function trends(samples: readonly Sample[]): Trends {
  const third = Math.floor(samples.length / 3);
  const both = (of: (values: readonly number[]) => number, figure: (sample: Sample) => number) =>
    [of(samples.slice(third, 2 * third).map(figure)), of(samples.slice(2 * third).map(figure))] as const;
  return {
    heap: both(mean, ({ heapBytes }) => heapBytes),
    // A snapshot deletes the rows of minutes at once: means of so few samples would show when one fell, not a trend.
    rowsPerEdit: both(median, (sample) => sample.rowsPerEdit),
    bytesPerEdit: both(median, (sample) => sample.bytesPerEdit),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function demandFlat(
  figures: Trends & Pick<SoakFigures, "rowsPerSecond" | "bytesPerByte" | "heapAtRest">,
  rooms: number,
  say: (promise: string) => string,
): void {
  for (const [name, [before, after]] of [
    ["heap bytes", figures.heap],
    ["rows per edit", figures.rowsPerEdit],
    ["bytes written per edit", figures.bytesPerEdit],
  ] as const) {
    demand(after <= FLAT * before, say(`${name} stay flat, but went from ${before.toFixed(2)} to ${after.toFixed(2)}`));
  }
  const { heapAtRest, rowsPerSecond, bytesPerByte } = figures;
  const growth = heapAtRest[1] - heapAtRest[0];
  const most = rooms * HEAP_GROWTH;
  demand(growth <= most, say(`the heap at rest grows by ${most} bytes at most, not ${growth}`));
  demand(
    rowsPerSecond <= ROWS_PER_SECOND,
    say(`a room writes ${ROWS_PER_SECOND} rows a second at most, not ${rowsPerSecond.toFixed(1)}`),
  );
  demand(
    bytesPerByte <= BYTES_PER_BYTE,
    say(`${BYTES_PER_BYTE} bytes are written per byte of updates at most, not ${bytesPerByte.toFixed(1)}`),
  );
}
