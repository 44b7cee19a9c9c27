/** Groups of an IPv6 address that name a network: whoever has one address there has all of them. */
const NETWORK_GROUPS = 4;

/**
 * What stands for somebody of whom only the address is known: an IPv4 address, or the /64 network of an IPv6 one.
 * @param address as the platform tells it
 * @returns `null` when it is not known
 */
export function networkOf(address: string | null): string | null {
  if (address === null || address === "") return null;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  // What `::` stands for are zeros, as many as are missing.
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  while (tail !== undefined && groups.length + after.length < 8) groups.push("0");
  const whole = [...groups, ...after].slice(0, NETWORK_GROUPS);
  return `${whole.map((group) => group.toLowerCase().replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
