import { startHocuspocus } from "./hocuspocus.ts";
import { startWorker } from "./miniflare-server.ts";
import { startNodeRelay } from "./node-relay.ts";
import type { ServerEntry, ServerName } from "./server.ts";
import { startYWebsocketServer } from "./y-websocket-server.ts";

const WORKERS = "bench/servers/workers";

/** Saturation is what the room's bounds on one connection are against. They count as always, and close nobody. */
const RATES = Object.fromEntries(
  ["EDIT_RATE", "JOIN_RATE", "PRESENCE_RATE", "MESSAGE_RATE", "REFUSAL_RATE"].map((name) => [name, "1000000"]),
);

export const SERVERS: Readonly<Record<ServerName, ServerEntry>> = {
  roomful: {
    label: "Roomful",
    dialect: "stock",
    start: (options) =>
      startWorker(
        { entry: "worker/index.ts", className: "Room", binding: "ROOMS", path: "/rooms" },
        { ...options, settings: { ...RATES, OPEN_ROLE: "moderator", ...options.settings } },
      ),
  },
  relay: {
    label: "raw relay",
    dialect: "stock",
    start: (options) =>
      startWorker({ entry: `${WORKERS}/relay.ts`, className: "Relay", binding: "ROOMS", path: "/rooms" }, options),
  },
  "relay-commit": {
    label: "relay that commits every 250 ms",
    dialect: "stock",
    start: (options) =>
      startWorker(
        { entry: `${WORKERS}/relay-commit.ts`, className: "CommittingRelay", binding: "ROOMS", path: "/rooms" },
        options,
      ),
  },
  "stored-bytes": {
    label: "stored bytes",
    dialect: "stock",
    start: (options) =>
      startWorker(
        { entry: `${WORKERS}/stored-bytes.ts`, className: "StoredBytes", binding: "ROOMS", path: "/rooms" },
        options,
      ),
  },
  "node-relay": { label: "raw relay on Node", dialect: "stock", start: startNodeRelay },
  "y-partyserver": {
    label: "y-partyserver",
    dialect: "stock",
    start: (options) =>
      startWorker(
        { entry: `${WORKERS}/y-partyserver.ts`, className: "YRoom", binding: "Y", path: "/parties/y" },
        options,
      ),
  },
  hocuspocus: { label: "Hocuspocus + SQLite", dialect: "hocuspocus", start: startHocuspocus },
  "y-websocket-server": { label: "@y/websocket-server", dialect: "stock", start: startYWebsocketServer },
};
