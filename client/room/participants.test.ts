import { afterEach, expect, it } from "vitest";
import type { Participant, PeerId } from "../../shared/rooms.ts";
import { destroyAll, provide } from "../../test/support/client-world.ts";
import { FakeRoom } from "../../test/support/fake-room.ts";

afterEach(destroyAll);

const turns = () => new Promise((resolve) => setTimeout(resolve));

function participant(peer: string, connectedAt: number): Participant {
  return { peer: peer as PeerId, protocol: "roomful.v1", capabilities: ["read"], connectedAt };
}

it("knows who is connected as long as it is itself, by the time they came", async () => {
  const room = new FakeRoom();
  const { connection } = provide("ws://room.test/rooms", "room", room.options).provider;
  const told: (readonly Participant[])[] = [];
  connection.on("participants", (all) => told.push(all));
  expect([connection.peer, connection.participants]).toEqual([null, []]);
  await turns();
  expect(connection.peer).toBe("peer");
  const [me, ada, bob] = [participant("peer", 3), participant("ada", 1), participant("bob", 2)];
  room.socket.tell({ type: "participants", present: [me, ada, bob], left: [] });
  await turns();
  expect(connection.participants).toEqual([ada, bob, me]);
  expect(connection.participants).toBe(connection.participants);
  room.socket.tell({ type: "participants", present: [{ ...bob, clientId: 7 }], left: [ada.peer] });
  await turns();
  expect(connection.participants).toEqual([{ ...bob, clientId: 7 }, me]);
  room.socket.drop();
  expect([connection.peer, connection.participants]).toEqual([null, []]);
  expect(told.map(({ length }) => length)).toEqual([3, 2, 0]);
});
