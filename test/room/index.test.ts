import { listDurableObjectIds } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { until } from "../support/until.ts";
import { openClient, openRoomful } from "./room-client.ts";
import { freshRoom } from "./rooms.ts";

describe("the Worker", () => {
  const upgrade = (path: string, protocols?: string) =>
    exports.default.fetch(`https://example.com${path}`, {
      headers: { upgrade: "websocket", ...(protocols && { "sec-websocket-protocol": protocols }) },
    });

  it("[NAME-1] the room name is everything after /rooms/, slashes included, decoded exactly once", async () => {
    const id = crypto.randomUUID();
    const client = await openRoomful(`${id}/a%20b/%E2%82%AC%2525`);
    await until(() => client.messagesOf("welcome").length === 1, "welcome");
    expect(client.messagesOf("welcome")[0]?.room).toBe(`${id}/a b/€%25`);
  });

  it("[NAME-2] a bad name is refused so that a browser can read why, and creates no object", async () => {
    const before = (await listDurableObjectIds(env.ROOMS)).length;
    const bad = [
      "",
      "a//b",
      "/a",
      "a/",
      "%00",
      "a%0Ab",
      "%ff",
      "a%",
      "x".repeat(201),
      "%E2%82%AC".repeat(67),
      "a%2F%2Fb",
      "a/%2e%2e%2f",
    ];
    for (const name of bad) {
      const client = await openClient(name, { protocols: ["roomful.v1"] });
      await until(() => client.closed !== null, `closed: ${name}`);
      expect([name, client.closed?.code, client.subprotocol]).toEqual([name, 4400, "roomful.v1"]);
      expect(client.closed?.reason).toMatch(/^bad-room-name: /);
    }
    expect((await listDurableObjectIds(env.ROOMS)).length).toBe(before);
  });

  it("[PROTO-1] selects roomful.v1, else y-websocket, never a token", async () => {
    const room = freshRoom();
    expect((await openClient(room, { protocols: ["y-websocket", "roomful.v1"] })).subprotocol).toBe("roomful.v1");
    expect((await openClient(room, { protocols: ["roomful.bearer.abc", "y-websocket"] })).subprotocol).toBe(
      "y-websocket",
    );
    expect((await openClient(room)).subprotocol).toBeNull();
  });

  it("[PROTO-2] an offer of which nothing can be selected gets HTTP 400", async () => {
    const response = await upgrade(`/rooms/${freshRoom()}`, "roomful.bearer.abc");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "unsupported-subprotocol" } });
  });

  it.each([
    ["GET", "/healthz/"],
    ["GET", "/api/rooms/r/state/"],
    ["DELETE", "/api/rooms/r/"],
  ])("[HTTP-1] answers %s %s with a coded 404: a slash at the end is another path", async (method, path) => {
    const response = await exports.default.fetch(`https://example.com${path}`, { method });
    expect([response.status, await response.json()]).toMatchObject([404, { error: { code: "not-found" } }]);
  });

  it("[HTTP-1] answers /healthz, and unknown paths with a coded 404", async () => {
    expect(await (await exports.default.fetch("https://example.com/healthz")).json()).toEqual({ status: "ok" });
    const response = await exports.default.fetch("https://example.com/nothing/here");
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "not-found" } });
  });

  it("[HTTP-1] sends the whiteboard's page to who asks for HTML, but not where rooms and the API are", async () => {
    const visit = (path: string) =>
      exports.default.fetch(`https://example.com${path}`, { headers: { accept: "text/html,*/*;q=0.8" } });
    for (const path of ["/", "/nova-wolf-blaze", "/team%2Fplan", "/team/plan"]) {
      const page = await visit(path);
      expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
      expect(page.headers.get("content-security-policy")).toContain(
        "default-src 'none'; script-src 'self'; style-src 'self'",
      );
      expect(await page.text()).toContain('<div id="app">');
    }
    for (const [path, status, code] of [
      ["/api", 404, "not-found"],
      ["/api/nothing", 404, "not-found"],
      ["/rooms/board", 426, "upgrade-required"],
      ["/signal/board", 426, "upgrade-required"],
    ] as const) {
      const response = await visit(path);
      expect([path, response.status]).toEqual([path, status]);
      expect(await response.json()).toMatchObject({ error: { code } });
    }
  });

  it("[HTTP-2] a room without an upgrade gets 426", async () => {
    const response = await exports.default.fetch(`https://example.com/rooms/${freshRoom()}`);
    expect(response.status).toBe(426);
  });
});
