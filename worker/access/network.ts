/** Groups of an IPv6 address that name its /64 network: a subscriber has all addresses of one. */
const NETWORK_GROUPS = 4;

/**
 * The network of a client without a subject: its IPv4 address, or the /64 network of its IPv6 address.
 * @param address as Cloudflare writes it in `cf-connecting-ip`
 * @returns `null` when there is no address
 */
export function networkOf(address: string | null): string | null {
  if (address === null || address === "") return null;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  // `::` stands for as many groups of zeros as are missing.
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + after.length < 8) groups.push("0");
  const whole = [...groups, ...after].slice(0, NETWORK_GROUPS);
  return `${whole.map((group) => group.toLowerCase().replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
