import { afterEach, expect, it } from "vitest";
import * as Y from "yjs";
import { destroyAll, provide } from "../../test/support/client-world.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { FakeRoom } from "../../test/support/fake-room.ts";
import type { RoomProvider } from "../index.ts";

const turns = () => new Promise((resolve) => setTimeout(resolve));
const fail = () => {
  throw new Error("of the app");
};

afterEach(destroyAll);

function world() {
  const room = new FakeRoom();
  room.doc.getText("text").insert(0, "the room's ");
  const clock = new FakeClock();
  return { room, clock, ...provide("ws://room.test/rooms", "room", { ...room.options, clock, random: () => 0.5 }) };
}

const failing: [string, (provider: RoomProvider) => void][] = [
  ...(["status", "saved-state", "sync", "connection-close"] as const).map(
    (name): [string, (provider: RoomProvider) => void] => [name, (provider) => provider.on(name, fail)],
  ),
  ...(["status", "welcome", "capabilities", "connection-close"] as const).map(
    (name): [string, (provider: RoomProvider) => void] => [
      `${name} of the connection`,
      ({ connection }) => connection.on(name, fail),
    ],
  ),
];

it.each(failing)(
  "a handler of %s that throws stops nothing, and its error is thrown in a turn of its own",
  async (_, addTo) => {
    const { room, clock, provider, text } = world();
    addTo(provider);
    await turns();
    text.insert(0, "mine ");
    await turns();
    expect([provider.synced, provider.saved.state, room.text]).toEqual([true, "saved", "mine the room's "]);
    room.socket.drop();
    expect([provider.synced, provider.saved.state]).toEqual([false, "offline"]);
    expect(() => clock.advance(0)).toThrow("of the app");
  },
);

it("an observer that throws when the room's document comes keeps nothing from being synced and saved", async () => {
  const { clock, provider, text } = world();
  const problems: unknown[] = [];
  provider.on("problem", (problem) => problems.push(problem));
  text.observe(fail);
  await turns();
  expect([text.toString(), provider.synced, provider.saved.state]).toEqual(["the room's ", true, "saved"]);
  expect(problems).toEqual([]);
  expect(() => clock.advance(0)).toThrow("of the app");
});

it("an awareness handler that throws keeps nothing from being done when the connection is lost", async () => {
  const { room, clock, provider, awareness } = world();
  await turns();
  room.socket.announce(7, 3, { name: "other" });
  await turns();
  awareness.on("change", fail);
  room.socket.drop();
  expect([provider.saved.state, awareness.getStates().has(7)]).toEqual(["offline", false]);
  expect(() => clock.advance(0)).toThrow("of the app");
});

it("a provider that was destroyed leaves no handler at its document", () => {
  const doc = new Y.Doc();
  const { awareness, provider } = provide("ws://room.test/rooms", "room", { doc, connect: false });
  provider.destroy();
  const before = doc._observers.get("destroy")?.size;
  provide("ws://room.test/rooms", "room", { doc, awareness, connect: false }).provider.destroy();
  expect(doc._observers.get("destroy")?.size).toBe(before);
});
