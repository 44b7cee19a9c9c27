import type { Context } from "hono";
import type { HonoBase } from "hono/hono-base";
import { describe, ERRORS, errorCodeOf, RoomfulError } from "../../shared/errors.ts";
import { PENALTY_SECONDS } from "../../shared/limits.ts";
import { Authenticator } from "../access/authenticator.ts";
import { createLog, explain } from "../runtime/logging.ts";
import type { Settings } from "../settings/settings.ts";
import { httpApi } from "./api.ts";
import { newRoutes, type WorkerContext } from "./context.ts";
import { upgrades } from "./upgrades.ts";

/** Paths below which no page is served, whatever the request accepts. */
const NO_PAGE = /^\/(?:api|rooms|signal)(?:\/|$)/;

/**
 * The Worker in front of the rooms.
 * @param settings or why there are none: every request is answered with that error then
 */
export function createApp(settings: Settings | RoomfulError): HonoBase<WorkerContext> {
  const log = createLog(settings instanceof RoomfulError ? "error" : settings.LOG_LEVEL);
  let authenticator: Authenticator | undefined;
  const app = newRoutes();

  app.use(async (context, next) => {
    if (settings instanceof RoomfulError) throw settings;
    // One for all requests, since it caches keys.
    authenticator ??= new Authenticator(settings);
    context.set("settings", settings);
    context.set("authenticator", authenticator);
    context.set("log", log);
    await next();
  });

  app.get("/healthz", (context) => context.json({ status: "ok" }));

  app.route("/", upgrades);

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
  if (code === "rate-limited") context.header("retry-after", `${PENALTY_SECONDS}`);
  return context.json({ error: { code, message } }, status);
}
