import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as Y from "yjs";
import { RoomProvider, type RoomProviderOptions } from "../../client/index.ts";
import { Server } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: Server;
const opened: { destroy(): void }[] = [];

beforeAll(async () => {
  server = await Server.start();
});

afterAll(async () => {
  for (const provider of opened) provider.destroy();
  await server?.stop();
});

let rooms = 0;
const freshRoom = () => `client/${++rooms}`;

function provide(room: string, { url = server.url, doc = new Y.Doc(), ...options }: Options = {}) {
  const provider = new RoomProvider(url, room, doc, { disableBc: true, ...options });
  opened.push(provider);
  return { provider, doc, awareness: provider.awareness, text: doc.getText("text") };
}

type Options = RoomProviderOptions & { url?: string; doc?: Y.Doc };

describe.concurrent("RoomProvider", () => {
  it("two converge and are told that it is saved", async () => {
    const room = freshRoom();
    const [one, two] = [provide(room), provide(room)];
    one.text.insert(0, "hello");
    expect(one.provider.saved).toEqual({ state: "offline", unsaved: 5 });
    await until(() => two.text.toString() === "hello", "the edit");
    await one.provider.whenSaved();
    expect(one.provider.saved).toEqual({ state: "saved", unsaved: 0 });
    two.text.delete(0, 2);
    expect(two.provider.saved).toEqual({ state: "saving", unsaved: 2 });
    await two.provider.whenSaved();
    one.awareness.setLocalStateField("user", "one");
    await until(() => two.awareness.getStates().get(one.doc.clientID)?.user === "one", "to see");
  });
});
