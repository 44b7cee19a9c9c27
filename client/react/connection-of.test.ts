import { afterEach, expect, it } from "vitest";
import { destroyAll, provide } from "../../test/support/client-world.ts";
import { RoomConnection } from "../index.ts";
import { connectionOf } from "./connection-of.ts";

afterEach(destroyAll);

it("the hooks about the room take a provider, its connection, a connection alone, or nothing", () => {
  const { provider } = provide("ws://room.test/rooms", "room", { connect: false });
  const alone = new RoomConnection("ws://room.test/rooms", "room", { connect: false });
  expect(connectionOf(provider)).toBe(provider.connection);
  expect(connectionOf(provider.connection)).toBe(provider.connection);
  expect(connectionOf(alone)).toBe(alone);
  expect(connectionOf(null)).toBeNull();
  alone.destroy();
});
