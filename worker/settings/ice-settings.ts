/** What a deployment says about ICE servers, and what is wrong with it. */

/** As an operator writes it; empty is not set. */
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

/** Entries of a list, and URLs of one of them: a browser asks each of them before a call begins. */
const MANY = 20;

/** Whether a text is a JSON list of RTCIceServer that names STUN servers only. A relay needs credentials, which are minted. */
export function isIceServerList(text: string): boolean {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.length <= MANY && list.every(isStunServer);
  } catch {
    return false;
  }
}

function isStunServer(server: unknown): boolean {
  if (typeof server !== "object" || server === null || !("urls" in server)) return false;
  if (Object.keys(server).length !== 1) return false;
  const urls: unknown[] = Array.isArray(server.urls) ? server.urls : [server.urls];
  return urls.length > 0 && urls.length <= MANY && urls.every((url) => typeof url === "string" && STUN_URL.test(url));
}

/** The URLs of a list between commas. */
export function turnUrlsOf(text: string): string[] {
  return text.split(",").map((url) => url.trim());
}

export function isTurnUrlList(text: string): boolean {
  const urls = turnUrlsOf(text);
  return urls.length <= MANY && urls.every((url) => TURN_URL.test(url));
}

/** What is wrong with the settings together, in words that repeat no value. */
export function iceFaults(settings: IceSettings): string[] {
  const pairs = [
    ["TURN_URLS", "TURN_SECRET"],
    ["TURN_KEY_ID", "TURN_KEY_TOKEN"],
  ] as const;
  return pairs
    .filter(([one, other]) => (settings[one] === "") !== (settings[other] === ""))
    .map(([one, other]) => `${one} and ${other} go together; one of them is not set`);
}
