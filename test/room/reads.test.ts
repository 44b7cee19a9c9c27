import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { type Grant, ROLES } from "../../shared/rooms.ts";
import { upgradeRequest } from "../../worker/access/admission.ts";
import { getRoom } from "../../worker/room/namespace.ts";
import { codeOfCall } from "../support/code-of.ts";
import { docOf, editedDoc, textUpdate } from "../support/documents.ts";
import { pause } from "../support/until.ts";
import { freshRoom, stubOf } from "./rooms.ts";
import { guarded, tokenOf } from "./test-tokens.ts";

const VIEWER: Grant = { capabilities: ROLES.viewer };

/** A caller of one room, by HTTP. */
async function callerOf(
  room: string,
  claims: Parameters<typeof tokenOf>[0],
  { network, bindings = env }: { readonly network?: string; readonly bindings?: typeof env } = {},
) {
  const token = await tokenOf(claims);
  const own = { authorization: `Bearer ${token}`, ...(network && { "cf-connecting-ip": network }) };
  return async (path: string, init: RequestInit = {}) => {
    const headers = { ...own, ...(init.headers as Record<string, string>) };
    const answer = await guarded().request(
      `/api/rooms/${encodeURIComponent(room)}${path}`,
      { ...init, headers },
      bindings,
    );
    const body = new Uint8Array(await answer.arrayBuffer());
    const { error } = answer.ok ? { error: undefined } : JSON.parse(new TextDecoder().decode(body));
    return { status: answer.status, code: error?.code as string | undefined, headers: answer.headers, body };
  };
}

/** Asks the door for a socket. @returns the code with which it is refused, or `null` */
async function refusalAtDoor(room: string, grant: Grant, network: string | null = null) {
  const response = await stubOf(room).fetch(upgradeRequest({ grant, subprotocol: null, origin: null, network }));
  return response.headers.get("x-roomful-refusal");
}

/** A text in so many pieces, all of them within so many formats: as a root, or within XML. */
function formatted(formats: number, pieces: number, { xml = false, value = true as unknown } = {}): Uint8Array {
  const { doc, take } = editedDoc(7);
  const text = xml ? new Y.XmlText() : doc.getText("rich");
  if (text instanceof Y.XmlText) doc.getXmlFragment("rich").insert(0, [text]);
  doc.transact(() => {
    for (let piece = 0; piece < pieces; piece++) text.insertEmbed(0, 1);
    text.format(0, pieces, Object.fromEntries(Array.from({ length: formats }, (_, index) => [`f${index}`, value])));
  });
  return take();
}

describe("what a read makes is bounded while it is made", () => {
  it.each([
    ["many formats over many pieces", formatted(1_500, 2_500), "rich-text"],
    ["one long format over many pieces", formatted(1, 3_000, { value: "x".repeat(20_000) }), "rich-text"],
    ["many formats over many pieces of XML", formatted(1_500, 2_500, { xml: true }), "xml"],
    [
      "a long attribute over many pieces of XML",
      formatted(1, 3_000, { xml: true, value: { a: Array(10_000).fill(7) } }),
      "xml",
    ],
  ] as const)("[LIMIT-15] %s is refused, and the room goes on", async (_what, update, kind) => {
    const room = getRoom(env.ROOMS, freshRoom());
    await room.applyUpdate(update);
    using viewer = await room.as({ ...VIEWER, subject: "ann" });
    expect(await codeOfCall(viewer.getJson({ rich: kind }))).toBe("invalid-argument");
    expect(await codeOfCall(room.getJson({ rich: kind }))).toBe("invalid-argument");
    expect(await codeOfCall(viewer.getJson({ other: kind }))).toBe("nothing thrown");
  });
});

describe("calls are charged to the account of who makes them", () => {
  const DOCUMENT = textUpdate("x".repeat(2_000_000));

  it("[LIMIT-16] who reads on and on by HTTP is refused with 429 and told when to come again; others are served", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(DOCUMENT);
    const call = await callerOf(room, { role: "viewer", sub: "ann" });
    let answer = await call("/state");
    let reads = 0;
    for (; answer.status === 200 && reads < 200; reads++) answer = await call("/state");
    expect([answer.status, answer.code]).toEqual([429, "rate-limited"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(reads).toBeGreaterThan(20);
    for (const path of ["/state-vector", "/json?root=text:text", "/participants"]) {
      expect([path, (await call(path)).code]).toEqual([path, "rate-limited"]);
    }
    using rpc = await getRoom(env.ROOMS, room).as({ ...VIEWER, subject: "ann" });
    expect(await codeOfCall(rpc.getState())).toBe("rate-limited");
    expect(await refusalAtDoor(room, { ...VIEWER, subject: "ann" })).toBe("rate-limited");
    expect((await (await callerOf(room, { role: "viewer", sub: "bob" }))("/state")).status).toBe(200);
    expect(await refusalAtDoor(room, { ...VIEWER, subject: "bob" })).toBeNull();
    // Another Worker is trusted: its own calls are not counted.
    expect(await codeOfCall(getRoom(env.ROOMS, room).getState())).toBe("nothing thrown");
  }, 60_000);

  it("[LIMIT-16] who has no subject is known by the network", async () => {
    const room = freshRoom();
    await getRoom(env.ROOMS, room).applyUpdate(DOCUMENT);
    const call = await callerOf(room, { role: "viewer" }, { network: "203.0.113.7" });
    let answer = await call("/state");
    for (let reads = 0; answer.status === 200 && reads < 200; reads++) answer = await call("/state");
    expect(answer.code).toBe("rate-limited");
    expect(await refusalAtDoor(room, VIEWER, "203.0.113.7")).toBe("rate-limited");
    const other = await callerOf(room, { role: "viewer" }, { network: "203.0.113.8" });
    expect((await other("/state")).status).toBe(200);
    using rpc = await getRoom(env.ROOMS, room).as(VIEWER, null, "203.0.113.7");
    expect(await codeOfCall(rpc.getState())).toBe("rate-limited");
  }, 60_000);

  it("[LIMIT-16] a stub of nobody in particular has a budget of its own", async () => {
    const room = getRoom(env.ROOMS, freshRoom());
    await room.applyUpdate(DOCUMENT);
    using stub = await room.as(VIEWER);
    let code: string | undefined = "nothing thrown";
    for (let reads = 0; code === "nothing thrown" && reads < 200; reads++) code = await codeOfCall(stub.getState());
    expect(code).toBe("rate-limited");
    using other = await room.as(VIEWER);
    expect(await codeOfCall(other.getState())).toBe("nothing thrown");
  }, 60_000);

  it.each([
    [
      "edits that change nothing",
      (room: ReturnType<typeof getRoom>) => {
        const { doc, take } = editedDoc(9);
        doc.transact(() => {
          for (let index = 0; index < 20_000; index++) doc.getArray("list").insert(0, [index]);
        });
        const update = take();
        return () => room.applyUpdate(update);
      },
    ],
    ["reads that are refused", (room: ReturnType<typeof getRoom>) => () => room.getJson({ rich: "rich-text" })],
    ["calls that are refused", (room: ReturnType<typeof getRoom>) => () => room.flush()],
  ])(
    "[LIMIT-16] %s are paid for too",
    async (_what, flood) => {
      const room = getRoom(env.ROOMS, freshRoom());
      await room.applyUpdate(formatted(1_500, 2_500));
      using granted = await room.as({ capabilities: ROLES.editor, subject: "ann" });
      const call = flood(granted as unknown as ReturnType<typeof getRoom>);
      let code = await codeOfCall(call());
      for (let calls = 0; code !== "rate-limited" && calls < 60_000; calls += 100) {
        const codes = await Promise.all(Array.from({ length: 100 }, () => codeOfCall(call())));
        code = codes.at(-1);
      }
      expect(code).toBe("rate-limited");
    },
    60_000,
  );
});

describe("the state is served as a join is", () => {
  it("[LIFE-2] however often it is read from a room that is not loaded, no document is built", async () => {
    const room = freshRoom();
    const handle = getRoom(env.ROOMS, room);
    await handle.applyUpdate(textUpdate("one", 1));
    await handle.applyUpdate(textUpdate("two", 2));
    await evictDurableObject(stubOf(room), { webSockets: "hibernate" });
    using viewer = await handle.as({ ...VIEWER, subject: "ann" });
    const states = await Promise.all(Array.from({ length: 10 }, () => viewer.getState()));
    await handle.getStateVector();
    const { document } = await handle.statistics();
    expect([document.loaded, document.loads]).toEqual([false, 0]);
    for (const state of states) expect(docOf(state).getText("text").length).toBe(6);
    expect(await handle.getState(new Uint8Array([0]))).toEqual(states[0]);
  });
});

describe("a body", () => {
  /** A body that never ends. */
  function endless() {
    const counts = { pulled: 0 };
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          counts.pulled++;
          await pause(1);
          if (counts.pulled === 1) controller.enqueue(new Uint8Array(8));
          else await pause(2_000);
        },
      },
      { highWaterMark: 0 },
    );
    return { body, counts };
  }

  it.each([
    ["POST", "/updates"],
    ["POST", "/events"],
    ["POST", "/moderation"],
    ["PUT", "/settings"],
  ])("[HTTP-4] of who lacks the right is not read: %s %s", async (method, path) => {
    const call = await callerOf(freshRoom(), { role: "viewer" });
    const { body, counts } = endless();
    expect((await call(path, { method, body })).code).toBe("forbidden");
    expect(counts.pulled).toBe(0);
  });

  it("[HTTP-4] that is announced as too large is not read", async () => {
    const call = await callerOf(freshRoom(), { role: "editor" });
    const { body, counts } = endless();
    const headers = { "content-length": `${8 * 1024 * 1024 + 1}` };
    const answer = await call("/updates", { method: "POST", body, headers });
    expect([answer.status, answer.code, counts.pulled]).toEqual([413, "frame-too-large", 0]);
  });

  it("[HTTP-6] that comes slowly does not hold the room", async () => {
    const room = freshRoom();
    let held = 0;
    let entered = 0;
    const watched = (name: string) => ({
      async as(...args: Parameters<ReturnType<typeof getRoom>["as"]>) {
        held++;
        entered++;
        const granted = await getRoom(env.ROOMS, name).as(...args);
        const dispose = (Symbol as unknown as { readonly dispose: symbol }).dispose;
        return new Proxy(granted, {
          get(target, key) {
            if (key !== dispose) return Reflect.get(target, key);
            return () => {
              held--;
              Reflect.get(target, key).call(target);
            };
          },
        });
      },
    });
    const bindings = { ...env, ROOMS: { getByName: watched } } as unknown as typeof env;
    const call = await callerOf(room, { role: "editor" }, { bindings });
    const { body, counts } = endless();
    void call("/updates", { method: "POST", body });
    while (counts.pulled < 2) await pause(10);
    expect([entered, held]).toEqual([1, 0]);
  });

  it("[HTTP-4] of who has the right is taken", async () => {
    const room = freshRoom();
    const answer = await (await callerOf(room, { role: "editor" }))("/updates", {
      method: "POST",
      body: textUpdate("kept"),
    });
    expect(answer.status).toBe(200);
    expect((await getRoom(env.ROOMS, room).getJson({ text: "text" })).text).toBe("kept");
  });
});
