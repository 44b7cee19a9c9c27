import { RoomfulError } from "../../shared/errors.ts";
import type { Settings } from "../settings/settings.ts";

const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * Refuses pages of origins that the deployment does not allow. The browser writes the header, so no page can forge it;
 * a request without the header comes from no page.
 * @throws RoomfulError `origin-not-allowed`
 */
export function checkOrigin(request: Request, settings: Pick<Settings, "ALLOWED_ORIGINS" | "AUTH">): void {
  const origin = request.headers.get("origin");
  if (origin !== null && !isOriginAllowed(origin, request.url, settings)) throw new RoomfulError("origin-not-allowed");
}

/** Whether pages of an origin may use the deployment. @param url of the request, for its host */
export function isOriginAllowed(
  origin: string,
  url: string,
  settings: Pick<Settings, "ALLOWED_ORIGINS" | "AUTH">,
): boolean {
  const { ALLOWED_ORIGINS, AUTH } = settings;
  if (ALLOWED_ORIGINS === "*") return true;
  if (ALLOWED_ORIGINS === "auto") return AUTH === "token" || isSameHost(origin, url);
  return ALLOWED_ORIGINS.split(",").some((allowed) => allowed.trim() === origin);
}

/** Whether both name the same host, on any port, or both name this machine. */
function isSameHost(origin: string, url: string): boolean {
  if (!URL.canParse(origin)) return false;
  const [page, server] = [new URL(origin).hostname, new URL(url).hostname];
  return page === server || (LOOPBACK.test(page) && LOOPBACK.test(server));
}
