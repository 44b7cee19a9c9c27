import type { Context } from "hono";
import { closeArguments, RoomfulError } from "../../shared/errors.ts";
import { decodeRoomName } from "../../shared/rooms.ts";
import { type Admission, demandAdmitted, upgradeRequest, upgradeResponse } from "../access/admission.ts";
import { networkOf } from "../access/network.ts";
import { resumeSecretOf } from "../access/resume-secret.ts";
import { offersOf, type Subprotocol, selectSubprotocol } from "../access/subprotocol.ts";
import { getRoom } from "../room/namespace.ts";
import { explain } from "../runtime/logging.ts";
import { newRoutes, type WorkerContext } from "./context.ts";

/** The routes of WebSockets: `/rooms/<room>` leads into a room, `/signal/<room>` to its signaling for `y-webrtc`. */
export const upgrades = newRoutes();

upgrades.get("/rooms/*", async (context) => {
  const request = context.req.raw;
  demandUpgrade(request);
  const subprotocol = selectSubprotocol(request);
  const resume = resumeSecretOf(request);
  try {
    return await upgrade(context, "/rooms/", { subprotocol, ...(resume !== undefined && { resume }) });
  } catch (caught) {
    if (!(caught instanceof RoomfulError)) throw caught;
    context.var.log("warn", "refused", { code: caught.code, detail: explain(caught) });
    return refuseUpgrade(caught, subprotocol);
  }
});

upgrades.get("/signal/*", async (context) => {
  const request = context.req.raw;
  demandUpgrade(request);
  // A stock y-webrtc client offers no subprotocol; offers come from clients of the room's own protocols.
  if (offersOf(request).length > 0) throw new RoomfulError("unsupported-subprotocol");
  // A refusal stays an HTTP status: a stock y-webrtc client waits before its next try when no socket opened, and comes
  // back at once when one did and was closed.
  return upgrade(context, "/signal/", { subprotocol: null, isSignaling: true });
});

/** @throws RoomfulError `upgrade-required` */
function demandUpgrade(request: Request): void {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") throw new RoomfulError("upgrade-required");
}

/**
 * Authenticates an upgrade and hands it to the room that the rest of the path names.
 * @throws RoomfulError when the deployment or the room refuses it
 */
async function upgrade(
  context: Context<WorkerContext>,
  prefix: string,
  asked: Pick<Admission, "subprotocol" | "resume" | "isSignaling">,
): Promise<Response> {
  const request = context.req.raw;
  const name = decodeRoomName(new URL(request.url).pathname.slice(prefix.length));
  const { grant, placement } = await context.var.authenticator.authenticate(request, name);
  const admitted = upgradeRequest({
    ...asked,
    grant,
    origin: request.headers.get("origin"),
    network: networkOf(request.headers.get("cf-connecting-ip")),
  });
  const response = await getRoom(context.env.ROOMS, name, placement).fetch(admitted);
  demandAdmitted(response);
  return response;
}

/** Accepts an upgrade to close it at once: a browser shows its page a close code, but no HTTP status. */
function refuseUpgrade({ code, detail }: RoomfulError, subprotocol: Subprotocol): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.close(...closeArguments(code, detail));
  return upgradeResponse(client, subprotocol);
}
