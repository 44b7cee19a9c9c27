import { afterEach, expect, it } from "vitest";
import { destroyAll, provide } from "../../test/support/client-world.ts";
import { FakeRoom } from "../../test/support/fake-room.ts";
import type { Problem } from "../base/problem.ts";

afterEach(destroyAll);

const turns = () => new Promise((resolve) => setTimeout(resolve));

it("[LIMIT-10] a warning of the room is a problem with its code, and one of a newer room is another one", async () => {
  const room = new FakeRoom();
  const { provider } = provide("ws://room.test/rooms", "room", room.options);
  const problems: Problem[] = [];
  provider.on("problem", (problem) => problems.push(problem));
  await turns();
  room.socket.tell({ type: "warning", code: "document-nearly-full", message: "nearly full" });
  room.socket.tell({ type: "warning", code: "brand-new" as "other", message: "something else" });
  await turns();
  expect(problems).toEqual([
    { source: "warning", code: "document-nearly-full", message: "nearly full" },
    { source: "warning", code: "other", message: "something else" },
  ]);
});

it("[LIMIT-11] a probe is answered at once with its nonce", async () => {
  const room = new FakeRoom();
  provide("ws://room.test/rooms", "room", room.options);
  await turns();
  room.socket.tell({ type: "probe", nonce: 4_000_000_000 });
  await turns();
  expect(room.socket.texts.map((text): unknown => JSON.parse(text))).toContainEqual({
    type: "probed",
    nonce: 4_000_000_000,
  });
});
