import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { fromBase64UrlEncoded } from "lib0/buffer";
import { RoomfulError } from "../../shared/errors.ts";
import { TEXT_MESSAGE_BYTES } from "../../shared/limits.ts";
import { parseModeration, parseRoomSettings } from "../../shared/moderation.ts";
import { decodeRoomName, type Json } from "../../shared/rooms.ts";
import type { RootKind } from "../../shared/rpc.ts";
import { checkOrigin, isOriginAllowed } from "../access/origin.ts";
import { type GrantedRoomStub, getRoom } from "../room/namespace.ts";
import { newRoutes, type WorkerContext } from "./context.ts";

/** The context of a call: the room too, within what the caller may do. */
interface ApiContext extends WorkerContext {
  Variables: WorkerContext["Variables"] & { room: GrantedRoomStub };
}

/**
 * The rooms' methods by HTTP, below `/api/rooms/<encoded room>`. The Worker authenticates the caller; the room checks
 * each call, by `GrantedRoom`. `docs/http.md` lists the calls.
 */
export const httpApi = newRoutes<ApiContext>();

httpApi.use(async (context, next) => {
  const { settings } = context.var;
  checkOrigin(context.req.raw, settings);
  const crossOrigin = cors({
    origin: (origin) => (isOriginAllowed(origin, context.req.url, settings) ? origin : null),
    allowMethods: ["GET", "POST", "PUT", "DELETE"],
    allowHeaders: ["authorization", "content-type"],
    maxAge: 600,
  });
  return crossOrigin(context, next);
});

httpApi.use(async (context, next) => {
  const request = context.req.raw;
  // The router decodes its own parameter leniently: a malformed escape would pass.
  const name = decodeRoomName(new URL(request.url).pathname.split("/")[3] ?? "");
  const { grant, placement } = await context.var.authenticator.authenticate(request, name);
  using room = await getRoom(context.env.ROOMS, name, placement).as(grant, request.headers.get("origin"));
  context.set("room", room);
  await next();
  context.header("cache-control", "no-store");
});

/** Bounds a body that is read whole. */
const jsonLimit = bodyLimit({
  maxSize: TEXT_MESSAGE_BYTES,
  onError: () => {
    throw new RoomfulError("invalid-argument", `above ${TEXT_MESSAGE_BYTES} bytes`);
  },
});

httpApi.get("/state", async (context) => {
  const since = context.req.query("since");
  return binary(await context.var.room.getState(since === undefined ? undefined : fromBase64Url(since)));
});

httpApi.get("/state-vector", async (context) => binary(await context.var.room.getStateVector()));

httpApi.get("/json", async (context) =>
  context.json(await context.var.room.getJson(rootsOf(context.req.queries("root")))),
);

httpApi.post(
  "/updates",
  (context, next) =>
    bodyLimit({
      maxSize: context.var.settings.MAX_FRAME_BYTES,
      onError: () => {
        throw new RoomfulError("frame-too-large");
      },
    })(context, next),
  async (context) => context.json(await context.var.room.applyUpdate(new Uint8Array(await context.req.arrayBuffer()))),
);

httpApi.get("/participants", async (context) => context.json({ participants: await context.var.room.participants() }));

httpApi.get("/ice-servers", async (context) => context.json(await context.var.room.iceServers()));

httpApi.get("/statistics", async (context) => context.json(await context.var.room.statistics()));

httpApi.get("/settings", async (context) => context.json(await context.var.room.getSettings()));

httpApi.put("/settings", jsonLimit, async (context) =>
  context.json(await context.var.room.changeSettings(parseRoomSettings(await jsonOf(context)))),
);

httpApi.post("/moderation", jsonLimit, async (context) => {
  await context.var.room.moderate(parseModeration(await jsonOf(context)));
  return context.body(null, 204);
});

httpApi.post("/events", jsonLimit, async (context) => {
  await context.var.room.publish((await jsonOf(context)) as Json);
  return context.body(null, 204);
});

httpApi.delete("/", async (context) => {
  await context.var.room.delete();
  return context.body(null, 204);
});

/** @throws RoomfulError `invalid-argument` */
async function jsonOf(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch {
    // The cause is left out: its message quotes the body.
    throw new RoomfulError("invalid-argument", "the body is JSON");
  }
}

function binary(bytes: Uint8Array): Response {
  return new Response(bytes, { headers: { "content-type": "application/octet-stream" } });
}

/** @throws RoomfulError `invalid-argument` */
function fromBase64Url(text: string): Uint8Array {
  // The decoder skips characters that it does not know.
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) {
    throw new RoomfulError("invalid-argument", "since is a state vector in base64url, without padding");
  }
  return fromBase64UrlEncoded(text);
}

/** Reads `root=<kind>:<name>`, given once for each root. @throws RoomfulError `invalid-argument` */
function rootsOf(given: readonly string[] = []): Record<string, RootKind> {
  const roots = given.map((root) => {
    const colon = root.indexOf(":");
    if (colon === -1) throw new RoomfulError("invalid-argument", "root is <kind>:<name>");
    // The room checks the kind.
    return [root.slice(colon + 1), root.slice(0, colon) as RootKind] as const;
  });
  return Object.fromEntries(roots);
}
