import { env } from "cloudflare:workers";
import { type Context, Hono } from "hono";
import { closeArguments, describe, ERRORS, type ErrorCode, errorCodeOf, RoomfulError } from "../shared/errors.ts";
import { decodeRoomName } from "../shared/rooms.ts";
import { admit, isUpgrade, type Subprotocol, selectSubprotocol, upgradeRequest, upgradeResponse } from "./admission.ts";
import { createLog, explain } from "./logging.ts";
import type { Room } from "./room.ts";
import { readSettings, type Settings } from "./settings.ts";

export { getRoom, type RoomStub } from "./namespace.ts";
export { Room } from "./room.ts";

/** What the Worker is bound to; its settings are beside it, see `worker/settings.ts`. */
export interface Bindings {
  readonly ROOMS: DurableObjectNamespace<Room>;
  /** The whiteboard's files; a deployment may do without. */
  readonly PAGE?: Fetcher;
}

/** Below these nothing is a page, whoever asks. */
const NO_PAGE = /^\/(?:api|rooms|signal)(?:\/|$)/;

/** Read once, when the Worker starts: a setting out of its range is told in the log at once, and to every caller. */
const settings: Settings | RoomfulError = (() => {
  try {
    return readSettings(env);
  } catch (caught) {
    if (!(caught instanceof RoomfulError)) throw caught;
    createLog("error")("error", "misconfigured", { code: "misconfigured", detail: caught.message });
    return caught;
  }
})();

const log = createLog(settings instanceof RoomfulError ? "error" : settings.LOG_LEVEL);

const app = new Hono<{ Bindings: Bindings; Variables: { settings: Settings } }>();

app.use(async (context, next) => {
  if (settings instanceof RoomfulError) throw settings;
  context.set("settings", settings);
  await next();
});

app.get("/healthz", (context) => context.json({ status: "ok" }));

app.get("/rooms/*", (context) => {
  const request = context.req.raw;
  if (!isUpgrade(request)) throw new RoomfulError("upgrade-required");
  const subprotocol = selectSubprotocol(request);
  try {
    const room = decodeRoomName(new URL(request.url).pathname.slice("/rooms/".length));
    const grant = admit(context.get("settings"));
    return context.env.ROOMS.getByName(room).fetch(upgradeRequest({ grant, subprotocol }));
  } catch (caught) {
    const code = errorCodeOf(caught);
    if (code === undefined) throw caught;
    log("warn", "refused", { code, detail: explain(caught) });
    return refuseUpgrade(code, subprotocol);
  }
});

app.notFound((context) => {
  const { PAGE } = context.env;
  const { pathname } = new URL(context.req.url);
  const wantsPage =
    /^(?:GET|HEAD)$/.test(context.req.method) && context.req.header("accept")?.includes("text/html") === true;
  // Every path is a board's name, and the page is the same for all.
  if (PAGE !== undefined && wantsPage && !NO_PAGE.test(pathname)) return PAGE.fetch(new URL("/", context.req.url));
  if (pathname !== "/") return refusal(context, new RoomfulError("not-found"));
  return context.text(`Roomful serves rooms at ${context.req.url.replace(/^http/, "ws")}rooms/<room>\n`);
});

app.onError((caught, context) => {
  if (errorCodeOf(caught) === undefined) log("error", "failed", { code: "internal", detail: explain(caught) });
  return refusal(context, caught);
});

function refusal(context: Context, caught: Error): Response {
  const code = errorCodeOf(caught) ?? "internal";
  const message = code === "internal" ? describe(code) : caught.message;
  return context.json({ error: { code, message } }, ERRORS[code].http);
}

/** Accepts an upgrade to close it at once: a browser shows its page a close code, but no HTTP status. */
function refuseUpgrade(code: ErrorCode, subprotocol: Subprotocol): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.close(...closeArguments(code));
  return upgradeResponse(client, subprotocol);
}

export default app;
