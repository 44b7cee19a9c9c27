import { type Context, Hono } from "hono";
import { closeArguments, describe, ERRORS, errorCodeOf, RoomfulError } from "../../shared/errors.ts";
import { decodeRoomName } from "../../shared/rooms.ts";
import { Doorkeeper, demandAdmitted, isUpgrade, upgradeRequest, upgradeResponse } from "../access/admission.ts";
import { networkOf } from "../access/network.ts";
import { secretOf } from "../access/resume-secret.ts";
import { offersOf, type Subprotocol, selectSubprotocol } from "../access/subprotocol.ts";
import { getRoom } from "../room/namespace.ts";
import type { Room } from "../room/room.ts";
import { createLog, explain } from "../runtime/logging.ts";
import type { Settings } from "../settings/settings.ts";
import { httpApi } from "./api.ts";

/** What the Worker is bound to; its settings are beside it, see `worker/settings/settings.ts`. */
export interface Bindings {
  readonly ROOMS: DurableObjectNamespace<Room>;
  /** The whiteboard's files; a deployment may do without. */
  readonly PAGE?: Fetcher;
}

/** Below these nothing is a page, whoever asks. */
const NO_PAGE = /^\/(?:api|rooms|signal)(?:\/|$)/;

/** What every route is handed. */
export interface WorkerContext {
  Bindings: Bindings;
  Variables: { settings: Settings; doorkeeper: Doorkeeper };
}

/** The Worker in front of the rooms. @param settings or why there are none, which every caller is told */
export function createApp(settings: Settings | RoomfulError): Hono<WorkerContext> {
  const log = createLog(settings instanceof RoomfulError ? "error" : settings.LOG_LEVEL);
  const doorkeeper = settings instanceof RoomfulError ? settings : new Doorkeeper(settings);
  const app = new Hono<WorkerContext>();

  app.use(async (context, next) => {
    if (settings instanceof RoomfulError) throw settings;
    if (doorkeeper instanceof RoomfulError) throw doorkeeper;
    context.set("settings", settings);
    context.set("doorkeeper", doorkeeper);
    await next();
  });

  app.get("/healthz", (context) => context.json({ status: "ok" }));

  app.get("/rooms/*", async (context) => {
    const request = context.req.raw;
    if (!isUpgrade(request)) throw new RoomfulError("upgrade-required");
    const subprotocol = selectSubprotocol(request);
    try {
      const name = decodeRoomName(new URL(request.url).pathname.slice("/rooms/".length));
      const { grant, placement } = await context.get("doorkeeper").admit(request, name);
      const resume = secretOf(request);
      const upgrade = upgradeRequest({
        grant,
        subprotocol,
        origin: request.headers.get("origin"),
        network: networkOf(request.headers.get("cf-connecting-ip")),
        ...(resume !== undefined && { resume }),
      });
      const response = await getRoom(context.env.ROOMS, name, placement).fetch(upgrade);
      demandAdmitted(response);
      return response;
    } catch (caught) {
      if (!(caught instanceof RoomfulError)) throw caught;
      log("warn", "refused", { code: caught.code, detail: explain(caught) });
      return refuseUpgrade(caught, subprotocol);
    }
  });

  app.get("/signal/*", async (context) => {
    const request = context.req.raw;
    if (!isUpgrade(request)) throw new RoomfulError("upgrade-required");
    // Offers are for those who speak the room's own protocols.
    if (offersOf(request).length > 0) throw new RoomfulError("unsupported-subprotocol");
    const name = decodeRoomName(new URL(request.url).pathname.slice("/signal/".length));
    const { grant, placement } = await context.get("doorkeeper").admit(request, name);
    const origin = request.headers.get("origin");
    const network = networkOf(request.headers.get("cf-connecting-ip"));
    const upgrade = upgradeRequest({ grant, subprotocol: null, origin, network, isSignaling: true });
    const response = await getRoom(context.env.ROOMS, name, placement).fetch(upgrade);
    // A refusal stays an HTTP status: a stock y-webrtc client waits before its next try when no socket opened, and comes
    // back at once when one did and was closed.
    demandAdmitted(response);
    return response;
  });

  app.route("/api/rooms/:room", httpApi);

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
    const code = errorCodeOf(caught) ?? "internal";
    log(code === "internal" ? "error" : "warn", code === "internal" ? "failed" : "refused", {
      code,
      detail: explain(caught),
    });
    return refusal(context, caught);
  });

  return app;
}

function refusal(context: Context, caught: Error): Response {
  const code = errorCodeOf(caught) ?? "internal";
  const message = code === "internal" ? describe(code) : caught.message.replace(/^RoomfulError: /, "");
  const status = ERRORS[code].http;
  if (status === 401) context.header("www-authenticate", "Bearer");
  return context.json({ error: { code, message } }, status);
}

/** Accepts an upgrade to close it at once: a browser shows its page a close code, but no HTTP status. */
function refuseUpgrade({ code, detail }: RoomfulError, subprotocol: Subprotocol): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.close(...closeArguments(code, detail));
  return upgradeResponse(client, subprotocol);
}
