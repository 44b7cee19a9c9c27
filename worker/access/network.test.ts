import { expect, it } from "vitest";
import { networkOf } from "./network.ts";

it("[LIMIT-8] a network is an IPv4 address, or the first half of an IPv6 one", () => {
  expect(networkOf("203.0.113.7")).toBe("203.0.113.7");
  for (const address of ["2001:db8:1:2:3:4:5:6", "2001:0DB8:0001:0002::1", "2001:db8:1:2::"]) {
    expect(networkOf(address)).toBe("2001:db8:1:2::/64");
  }
  expect(networkOf("::1")).toBe("0:0:0:0::/64");
  expect(networkOf("2001:db8::9")).toBe("2001:db8:0:0::/64");
  expect([networkOf(null), networkOf("")]).toEqual([null, null]);
});
