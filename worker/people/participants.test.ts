import { expect, it } from "vitest";
import { PARTICIPANTS_PER_MESSAGE } from "../../shared/limits.ts";
import { parseMessageFromRoom } from "../../shared/messages.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { newIdentity } from "../sessions/attachment.ts";
import { Sessions } from "../sessions/sessions.ts";
import { Participants } from "./participants.ts";

it("[PEER-3] everybody comes in messages of at most 1,000, who left in the first", () => {
  const clock = new FakeClock();
  const store = { savePresence: () => {}, readPresence: () => null, deletePresence: () => {} };
  const sessions = new Sessions([], { store, maxUnreadBytes: 1e9, log: () => {}, clock });
  const participants = new Participants(sessions, { absentOrNone: [] }, clock);
  const sent: string[] = [];
  const admission = {
    grant: { capabilities: ["read"] },
    subprotocol: "roomful.v1",
    origin: null,
    network: null,
  } as const;
  const open = (send: (text: string) => void) => {
    const socket = { readyState: WebSocket.OPEN, send, close: () => {}, serializeAttachment: () => {} };
    return sessions.open(socket as unknown as WebSocket, admission, {}, newIdentity(""));
  };
  const count = 2 * PARTICIPANTS_PER_MESSAGE + 1;
  for (let index = 1; index < count; index++) participants.add(open(() => {}));
  const newcomer = open((text) => void sent.push(text));
  const { peer } = newIdentity("");
  participants.remove(peer);
  participants.add(newcomer);
  clock.advance(1_000);
  const messages = sent.map(parseMessageFromRoom).filter((message) => message.type === "participants");
  expect(messages.map(({ present }) => present.length)).toEqual([
    PARTICIPANTS_PER_MESSAGE,
    PARTICIPANTS_PER_MESSAGE,
    1,
  ]);
  expect(new Set(messages.flatMap(({ present }) => present.map((one) => one.peer))).size).toBe(count);
  expect(messages.map(({ left }) => left)).toEqual([[peer], [], []]);
});
