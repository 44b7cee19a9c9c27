import { env } from "cloudflare:workers";
import { expectTypeOf, it } from "vitest";
import type { Json, Participant } from "../../shared/rooms.ts";
import type { Applied, RoomStatistics } from "../../shared/rpc.ts";
import { getRoom } from "../../worker/room/namespace.ts";

// Checked by the compiler, not run: a `@ts-expect-error` over a line that compiles fails the build.
async function callsOfAnotherWorker() {
  const room = getRoom(env.ROOMS, "room");
  expectTypeOf(await room.getState()).toEqualTypeOf<Uint8Array>();
  expectTypeOf(await room.applyUpdate(new Uint8Array())).toEqualTypeOf<Applied>();
  expectTypeOf(await room.statistics()).toEqualTypeOf<RoomStatistics>();
  expectTypeOf(await room.participants()).toEqualTypeOf<Participant[]>();
  const json = await room.getJson({ title: "text", board: "map", list: "array" });
  expectTypeOf(json.title).toEqualTypeOf<string>();
  expectTypeOf(json.board).toEqualTypeOf<{ [key: string]: Json }>();
  expectTypeOf(json.list).toEqualTypeOf<Json[]>();
  // @ts-expect-error a root that was not asked for
  json.other;
  // @ts-expect-error an unknown kind
  await room.getJson({ title: "tree" });
  // @ts-expect-error an update is bytes
  await room.applyUpdate("text");
  // @ts-expect-error no such method
  await room.webSocketMessage();
  // @ts-expect-error a state vector is bytes
  await room.getState([0]);

  // The namespace's own stub is typed too, but for what depends on the argument.
  const stub = env.ROOMS.getByName("room");
  expectTypeOf((await stub.applyUpdate(new Uint8Array())).changed).toEqualTypeOf<boolean>();
  // @ts-expect-error an update is bytes
  await stub.applyUpdate("text");
  // @ts-expect-error no such method
  await stub.destroy();
}

it("[RPC-6] a caller's stub is typed without casts, and a wrong call does not compile", () => {
  expectTypeOf(callsOfAnotherWorker).returns.toEqualTypeOf<Promise<void>>();
});
