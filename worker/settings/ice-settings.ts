/** The settings of ICE servers, as an operator writes them. An empty one is not set. */
export interface IceSettings {
  readonly ICE_SERVERS: string;
  readonly TURN_URLS: string;
  readonly TURN_SECRET: string;
  readonly TURN_TTL: number;
  readonly TURN_KEY_ID: string;
  readonly TURN_KEY_TOKEN: string;
}

const HOST = String.raw`(?:\[[\da-f:.]+\]|[a-z\d](?:[a-z\d.-]*[a-z\d])?)(?::\d{1,5})?`;
const STUN_URL = new RegExp(`^stuns?:${HOST}$`, "i");
const TURN_URL = new RegExp(`^turns?:${HOST}(?:\\?transport=(?:udp|tcp))?$`, "i");

/** Most entries of a list, and most URLs of one entry: a browser asks each of them before a call begins. */
const MOST_ENTRIES = 20;

/** Whether a text is a JSON list of RTCIceServer that names STUN servers only: the credentials of relays are minted, never fixed. */
export function isIceServerList(text: string): boolean {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.length <= MOST_ENTRIES && list.every(isStunServer);
  } catch {
    return false;
  }
}

function isStunServer(server: unknown): boolean {
  if (typeof server !== "object" || server === null || !("urls" in server)) return false;
  if (Object.keys(server).length !== 1) return false;
  const urls: unknown[] = Array.isArray(server.urls) ? server.urls : [server.urls];
  return (
    urls.length > 0 && urls.length <= MOST_ENTRIES && urls.every((url) => typeof url === "string" && STUN_URL.test(url))
  );
}

/** Splits a list between commas into its URLs. */
export function turnUrlsOf(text: string): string[] {
  return text.split(",").map((url) => url.trim());
}

export function isTurnUrlList(text: string): boolean {
  const urls = turnUrlsOf(text);
  return urls.length <= MOST_ENTRIES && urls.every((url) => TURN_URL.test(url));
}

/** Faults of the settings of ICE together; no fault repeats a value. */
export function iceFaults(settings: IceSettings): string[] {
  const pairs = [
    ["TURN_URLS", "TURN_SECRET"],
    ["TURN_KEY_ID", "TURN_KEY_TOKEN"],
  ] as const;
  return pairs
    .filter(([one, other]) => (settings[one] === "") !== (settings[other] === ""))
    .map(([one, other]) => `${one} and ${other} go together; one of them is not set`);
}
