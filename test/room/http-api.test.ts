import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import * as Y from "yjs";
import { getRoom } from "../../worker/room/namespace.ts";
import { codeOfCall } from "../support/code-of.ts";
import { docOf, editedDoc, textUpdate } from "../support/documents.ts";
import { pause, until } from "../support/until.ts";
import { openClient } from "./room-client.ts";
import { freshRoom } from "./rooms.ts";
import { guarded, secondsNow, tokenOf } from "./test-tokens.ts";

const base64Url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** Calls of one room. */
async function api(room: string, claims: Parameters<typeof tokenOf>[0] = {}, settings: Record<string, unknown> = {}) {
  const token = await tokenOf(claims);
  const app = guarded(settings);
  return (path: string, { headers, ...init }: RequestInit = {}) =>
    app.request(
      `/api/rooms/${encodeURIComponent(room)}${path}`,
      { ...init, headers: { authorization: `Bearer ${token}`, ...(headers as Record<string, string>) } },
      env,
    );
}

const errorOf = async (response: Response | Promise<Response>) => {
  const answer = await response;
  return [answer.status, ((await answer.json()) as { error: { code: string } }).error.code];
};

describe("the HTTP API", () => {
  it("[HTTP-3] reads and writes the same room that sockets see, slashes escaped in its name", async () => {
    const room = freshRoom();
    const client = await openClient(room);
    await client.sync();
    const call = await api(room, { role: "moderator" });
    const posted = await call("/updates", { method: "POST", body: textUpdate("hello") });
    expect([posted.status, await posted.json()]).toEqual([200, { changed: true }]);
    await until(() => client.framesOf("update").length === 1, "the update");
    const state = await call("/state");
    expect(state.headers.get("content-type")).toBe("application/octet-stream");
    expect(state.headers.get("cache-control")).toBe("no-store");
    expect(
      docOf(new Uint8Array(await state.arrayBuffer()))
        .getText("text")
        .toString(),
    ).toBe("hello");
    expect(await (await call("/json?root=text:text&root=map:board")).json()).toEqual({ text: "hello", board: {} });
    const { participants } = (await (await call("/participants")).json()) as { participants: unknown[] };
    expect(participants).toMatchObject([{ protocol: "stock" }]);
    expect(await (await call("/statistics")).json()).toMatchObject({ connections: { roomful: 0, stock: 1 } });
  });

  it("[HTTP-3] since leaves out what a state vector has", async () => {
    const call = await api(freshRoom());
    const { doc, take } = editedDoc(5);
    doc.getText("text").insert(0, "one");
    await call("/updates", { method: "POST", body: take() });
    const vector = new Uint8Array(await (await call("/state-vector")).arrayBuffer());
    expect(vector).toEqual(Y.encodeStateVector(doc));
    doc.getText("text").insert(3, "two");
    const second = take();
    await call("/updates", { method: "POST", body: second });
    const answer = await call(`/state?since=${base64Url(vector)}`);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(second);
    for (const since of ["!", "A", "AA==", "A+", "%00"]) {
      expect([since, ...(await errorOf(call(`/state?since=${since}`)))]).toEqual([since, 422, "invalid-argument"]);
    }
    expect(await errorOf(call("/state?since=_w"))).toEqual([400, "malformed-frame"]);
  });

  it("[HTTP-1] every refusal is coded JSON", async () => {
    const call = await api(freshRoom(), { role: "editor" });
    expect(await errorOf(call("/nothing"))).toEqual([404, "not-found"]);
    expect(await errorOf(call(""))).toEqual([404, "not-found"]);
    expect(await errorOf(call("/state", { method: "POST" }))).toEqual([404, "not-found"]);
    expect(await errorOf(call("/json?root=text"))).toEqual([422, "invalid-argument"]);
    expect(await errorOf(call("/json?root=tree:a"))).toEqual([422, "invalid-argument"]);
    expect(await errorOf(call("/updates", { method: "POST", body: "x" }))).toEqual([422, "invalid-update"]);
    expect(await errorOf(call("/updates", { method: "POST" }))).toEqual([422, "invalid-update"]);
    expect(await errorOf(call("/statistics"))).toEqual([403, "forbidden"]);
    const app = guarded();
    for (const [path, code] of [
      ["/api/rooms/a%2f%2fb/state", "bad-room-name"],
      ["/api/rooms//state", "not-found"],
      ["/api/rooms/%ff/state", "bad-room-name"],
      ["/api/rooms/a/b/state", "unauthorized"],
      ["/api/rooms/a/state", "unauthorized"],
    ] as const) {
      expect([path, (await errorOf(app.request(path, {}, env)))[1]]).toEqual([path, code]);
    }
    const refused = await app.request("/api/rooms/a/state", {}, env);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
  });

  it("[HTTP-4] a body above the frame limit is refused before it is read whole", async () => {
    const room = freshRoom();
    const call = await api(room, {}, { MAX_FRAME_BYTES: 65_536 });
    expect(await errorOf(call("/updates", { method: "POST", body: new Uint8Array(65_537) }))).toEqual([
      413,
      "frame-too-large",
    ]);
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await pause(1);
        pulled++;
        if (pulled > 1_000) controller.close();
        else controller.enqueue(new Uint8Array(4_096));
      },
    });
    expect(await errorOf(call("/updates", { method: "POST", body }))).toEqual([413, "frame-too-large"]);
    expect(pulled).toBeLessThan(40);
    expect(await getRoom(env.ROOMS, room).getState()).toEqual(new Uint8Array([0, 0]));
  });

  it("[HTTP-5] pages of allowed origins may call, others are refused", async () => {
    const room = freshRoom();
    const [allowed, other] = ["https://app.example.com", "https://evil.example"];
    const call = await api(room, {}, { ALLOWED_ORIGINS: allowed });
    const answer = await call("/state-vector", { headers: { origin: allowed } });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, allowed]);
    expect(answer.headers.get("vary")).toMatch(/origin/i);
    const preflight = await call("/updates", {
      method: "OPTIONS",
      headers: { origin: allowed, "access-control-request-method": "POST", authorization: "" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toMatch(/authorization/);
    const refusal = await call("/nothing", { headers: { origin: allowed } });
    expect([refusal.status, refusal.headers.get("access-control-allow-origin")]).toEqual([404, allowed]);
    for (const method of ["GET", "OPTIONS"]) {
      const refused = await call("/state-vector", { method, headers: { origin: other } });
      expect(refused.headers.get("access-control-allow-origin")).toBeNull();
      expect(await errorOf(refused)).toEqual([403, "origin-not-allowed"]);
    }
    expect((await call("/state-vector")).headers.get("access-control-allow-origin")).toBeNull();
  });

  it("[HTTP-1] what fails beyond words says nothing of how", async () => {
    const broken = { ...env, ROOMS: { getByName: () => ({ as: () => Promise.reject(new Error("secret inner")) }) } };
    const bindings = broken as unknown as typeof env;
    const headers = { authorization: `Bearer ${await tokenOf()}` };
    const answer = await guarded({ LOG_LEVEL: "error" }).request("/api/rooms/a/state", { headers }, bindings);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("inner");
  });
});

describe("a room's methods within a grant", () => {
  const calls = {
    getState: (room: ReturnType<typeof getRoom>) => room.getState(),
    getStateVector: (room: ReturnType<typeof getRoom>) => room.getStateVector(),
    getJson: (room: ReturnType<typeof getRoom>) => room.getJson({ text: "text" }),
    participants: (room: ReturnType<typeof getRoom>) => room.participants(),
    applyUpdate: (room: ReturnType<typeof getRoom>) => room.applyUpdate(textUpdate("x", 9)),
    statistics: (room: ReturnType<typeof getRoom>) => room.statistics(),
    flush: (room: ReturnType<typeof getRoom>) => room.flush(),
  };
  const reading = ["getState", "getStateVector", "getJson", "participants"];

  it.each([
    [[], []],
    [["read"], reading],
    [["write"], ["applyUpdate"]],
    [["call", "publish"], []],
    [["moderate"], ["statistics", "flush"]],
  ] as const)("[RPC-7] with %s, what is allowed is %s", async (capabilities, allowed) => {
    const room = getRoom(env.ROOMS, freshRoom());
    const before = await room.getState();
    using granted = await room.as({ capabilities });
    for (const [name, call] of Object.entries(calls)) {
      const code = await codeOfCall(call(granted as unknown as ReturnType<typeof getRoom>));
      expect([name, code ?? "allowed"]).toEqual([
        name,
        (allowed as readonly string[]).includes(name) ? "nothing thrown" : "forbidden",
      ]);
    }
    if (!(allowed as readonly string[]).includes("applyUpdate")) expect(await room.getState()).toEqual(before);
  });

  it("[RPC-7] a stub that is held past the grant's end does nothing any more", async () => {
    const room = getRoom(env.ROOMS, freshRoom());
    const expiresAt = Date.now() + 3_000;
    using granted = await room.as({ capabilities: ["read", "write"], expiresAt });
    expect(await granted.applyUpdate(textUpdate("in time"))).toEqual({ changed: true });
    await pause(expiresAt + 50 - Date.now());
    expect(await codeOfCall(granted.getState())).toBe("token-expired");
    expect(await codeOfCall(granted.applyUpdate(textUpdate("late")))).toBe("token-expired");
    expect((await room.getJson({ text: "text" })).text).toBe("in time");
  });

  it("[RPC-7] what is no grant is refused", async () => {
    const room = getRoom(env.ROOMS, freshRoom());
    // @ts-expect-error no such capability
    expect(await codeOfCall(room.as({ capabilities: ["everything"] }))).toBe("invalid-argument");
    // @ts-expect-error no grant
    expect(await codeOfCall(room.as(null))).toBe("invalid-argument");
  });
});

it("[AUTH-6] an HTTP call's grant ends with the token, tolerance included", async () => {
  const call = await api(freshRoom(), { exp: secondsNow() - 30 });
  expect((await call("/state-vector")).status).toBe(200);
});
