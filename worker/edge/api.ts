import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { fromBase64UrlEncoded } from "lib0/buffer";
import { RoomfulError } from "../../shared/errors.ts";
import { TEXT_MESSAGE_BYTES } from "../../shared/limits.ts";
import { parseModeration, parseRoomSettings } from "../../shared/moderation.ts";
import { type Capability, decodeRoomName, type Json } from "../../shared/rooms.ts";
import type { RootKind } from "../../shared/rpc.ts";
import { networkOf } from "../access/network.ts";
import { checkOrigin, isOriginAllowed } from "../access/origin.ts";
import { type GrantedRoomStub, getRoom } from "../room/namespace.ts";
import { newRoutes, type WorkerContext } from "./context.ts";

/** Calls a room within what the caller may do. The room is held, and kept awake, for as long as the call takes. */
type CallRoom = <Result>(call: (room: GrantedRoomStub) => Promise<Result>) => Promise<Result>;

/** The context of a call: the room too. */
interface ApiContext extends WorkerContext {
  Variables: WorkerContext["Variables"] & { call: CallRoom };
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
    exposeHeaders: ["retry-after"],
    maxAge: 600,
  });
  return crossOrigin(context, next);
});

httpApi.use(async (context, next) => {
  const request = context.req.raw;
  // The router decodes its own parameter leniently: a malformed escape would pass.
  const name = decodeRoomName(new URL(request.url).pathname.split("/")[3] ?? "");
  const { grant, placement } = await context.var.authenticator.authenticate(request, name);
  const network = networkOf(request.headers.get("cf-connecting-ip"));
  context.set("call", async (call) => {
    using room = await getRoom(context.env.ROOMS, name, placement).as(grant, request.headers.get("origin"), network);
    return await call(room);
  });
  await next();
  context.header("cache-control", "no-store");
});

/** Demands a right before anything of the body is read: a body may come slowly, and be large. */
const demands =
  (capability: Capability): MiddlewareHandler<ApiContext> =>
  async (context, next) => {
    await context.var.call((room) => room.demand(capability));
    await next();
  };

/** Bounds a body that is read whole. */
const jsonLimit = bodyLimit({
  maxSize: TEXT_MESSAGE_BYTES,
  onError: () => {
    throw new RoomfulError("invalid-argument", `above ${TEXT_MESSAGE_BYTES} bytes`);
  },
});

httpApi.get("/state", async (context) => {
  const since = context.req.query("since");
  const stateVector = since === undefined ? undefined : fromBase64Url(since);
  return binary(await context.var.call((room) => room.getState(stateVector)));
});

httpApi.get("/state-vector", async (context) => binary(await context.var.call((room) => room.getStateVector())));

httpApi.get("/json", async (context) => {
  const roots = rootsOf(context.req.queries("root"));
  return context.json(await context.var.call((room) => room.getJson(roots)));
});

httpApi.post(
  "/updates",
  demands("write"),
  (context, next) =>
    bodyLimit({
      maxSize: context.var.settings.MAX_FRAME_BYTES,
      onError: () => {
        throw new RoomfulError("frame-too-large");
      },
    })(context, next),
  async (context) => {
    const update = new Uint8Array(await context.req.arrayBuffer());
    return context.json(await context.var.call((room) => room.applyUpdate(update)));
  },
);

httpApi.get("/participants", async (context) =>
  context.json({ participants: await context.var.call((room) => room.participants()) }),
);

httpApi.get("/ice-servers", async (context) => context.json(await context.var.call((room) => room.iceServers())));

httpApi.get("/statistics", async (context) => context.json(await context.var.call((room) => room.statistics())));

httpApi.get("/settings", async (context) => context.json(await context.var.call((room) => room.getSettings())));

httpApi.put("/settings", demands("moderate"), jsonLimit, async (context) => {
  const settings = parseRoomSettings(await jsonOf(context));
  return context.json(await context.var.call((room) => room.changeSettings(settings)));
});

httpApi.post("/moderation", demands("moderate"), jsonLimit, async (context) => {
  const action = parseModeration(await jsonOf(context));
  await context.var.call((room) => room.moderate(action));
  return context.body(null, 204);
});

httpApi.post("/events", demands("publish"), jsonLimit, async (context) => {
  const data = (await jsonOf(context)) as Json;
  await context.var.call((room) => room.publish(data));
  return context.body(null, 204);
});

httpApi.delete("/", async (context) => {
  await context.var.call((room) => room.delete());
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
