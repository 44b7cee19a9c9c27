import * as encoding from "lib0/encoding";
import * as prng from "lib0/prng";
import { describe, expect, it } from "vitest";
import * as authProtocol from "y-protocols/auth";
import * as awarenessProtocol from "y-protocols/awareness";
import * as syncProtocol from "y-protocols/sync";
import * as Y from "yjs";
import { codeOf } from "../test/support/code-of.ts";
import {
  carriesEdits,
  decodeFrame,
  decodeStateVector,
  encodeAwareness,
  encodePermissionDenied,
  encodeQueryAwareness,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
} from "./frames.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => new TextEncoder().encode(text);

/** Each frame, its bytes as they are on the wire, and what they read as. */
const frames: [string, Uint8Array, string, Frame][] = [
  [
    "sync step 1",
    encodeSyncStep1(new Uint8Array([1, 5, 9])),
    "000003010509",
    { type: "sync-step-1", stateVector: new Uint8Array([1, 5, 9]) },
  ],
  [
    "sync step 2",
    encodeSyncStep2(new Uint8Array([0, 0])),
    "0001020000",
    { type: "sync-step-2", update: new Uint8Array([0, 0]) },
  ],
  ["update", encodeUpdate(new Uint8Array([0, 0])), "0002020000", { type: "update", update: new Uint8Array([0, 0]) }],
  [
    "awareness",
    encodeAwareness([
      { clientId: 300, clock: 2, state: bytes('{"a":1}') },
      { clientId: 1, clock: 0, state: null },
    ]),
    "011302ac0202077b2261223a317d0100046e756c6c",
    {
      type: "awareness",
      entries: [
        { clientId: 300, clock: 2, state: bytes('{"a":1}') },
        { clientId: 1, clock: 0, state: null },
      ],
    },
  ],
  ["permission denied", encodePermissionDenied("no"), "0200026e6f", { type: "auth", reason: "no" }],
  ["query awareness", encodeQueryAwareness(), "03", { type: "query-awareness" }],
];

describe("binary frames", () => {
  it.each(frames)("[WIRE-1] %s has exactly these bytes", (_name, encoded, wire, frame) => {
    expect(hex(encoded)).toBe(wire);
    expect(decodeFrame(encoded)).toEqual(frame);
  });

  it.each(frames)("[WIRE-2] %s cut anywhere or with a byte more is malformed", (_name, encoded) => {
    for (let length = 0; length < encoded.length; length++) {
      expect(codeOf(() => decodeFrame(encoded.slice(0, length)))).toBe("malformed-frame");
    }
    expect(codeOf(() => decodeFrame(new Uint8Array([...encoded, 0])))).toBe("malformed-frame");
  });

  it("[WIRE-2] a frame with a mutated byte reads as a frame or is malformed, never anything else", () => {
    const generator = prng.create(1);
    const random = (below: number) => prng.int32(generator, 0, below - 1);
    for (let round = 0; round < 20_000; round++) {
      const [, encoded] = frames[random(frames.length)] ?? frames[0] ?? [];
      const mutated = Uint8Array.from(encoded ?? []);
      mutated[random(mutated.length)] = random(256);
      expect(["nothing thrown", "malformed-frame"]).toContain(codeOf(() => decodeFrame(mutated)));
    }
  });

  it("[WIRE-2] a number of endless zeros is malformed", () => {
    const zeros = Array.from({ length: 160 }, () => 128);
    for (const start of [[], [0], [0, 2], [1, 200, 1, 1]]) {
      expect(codeOf(() => decodeFrame(new Uint8Array([...start, ...zeros, 0])))).toBe("malformed-frame");
    }
    expect(codeOf(() => decodeStateVector(new Uint8Array([1, ...zeros, 0, 1])))).toBe("malformed-frame");
  });

  it("[WIRE-1] the bytes are those of y-protocols", () => {
    const doc = new Y.Doc();
    doc.getText("text").insert(0, "x");
    const theirs = (type: number, write: (encoder: encoding.Encoder) => void) =>
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, type);
        write(encoder);
      });
    expect(encodeSyncStep1(Y.encodeStateVector(doc))).toEqual(
      theirs(0, (encoder) => syncProtocol.writeSyncStep1(encoder, doc)),
    );
    expect(encodeSyncStep2(Y.encodeStateAsUpdate(doc))).toEqual(
      theirs(0, (encoder) => syncProtocol.writeSyncStep2(encoder, doc)),
    );
    expect(encodePermissionDenied("no")).toEqual(
      theirs(2, (encoder) => authProtocol.writePermissionDenied(encoder, "no")),
    );
    const awareness = new awarenessProtocol.Awareness(doc);
    awareness.setLocalState({ a: 1 });
    const update = awarenessProtocol.encodeAwarenessUpdate(awareness, [doc.clientID]);
    expect(encodeAwareness([{ clientId: doc.clientID, clock: 1, state: bytes('{"a":1}') }])).toEqual(
      theirs(1, (encoder) => encoding.writeVarUint8Array(encoder, update)),
    );
    awareness.destroy();
  });

  it("[WIRE-3] only step 2 and update carry edits, readable or not", () => {
    expect(frames.map(([, encoded]) => carriesEdits(encoded))).toEqual([false, true, true, false, false, false]);
    expect(carriesEdits(new Uint8Array([0, 2, 200]))).toBe(true);
    expect(carriesEdits(new Uint8Array())).toBe(false);
  });

  it("[WIRE-2] a state vector that announces more than it has, or a client twice, is malformed", () => {
    expect(decodeStateVector(new Uint8Array([2, 7, 1, 8, 2]))).toEqual(
      new Map([
        [7, 1],
        [8, 2],
      ]),
    );
    for (const wrong of [[], [1], [1, 7], [1, 7, 1, 0], [255, 255, 255, 255, 15], [2, 7, 1, 7, 2]]) {
      expect(codeOf(() => decodeStateVector(new Uint8Array(wrong)))).toBe("malformed-frame");
    }
  });
});
