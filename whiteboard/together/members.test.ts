import { expect, it } from "vitest";
import type { Participant, PeerId } from "../../client/index.ts";
import { capabilitiesFor, membersOf, rightsOf } from "./members.ts";
import type { User } from "./presence.ts";

const peer = (id: string) => id as PeerId;
const EDITOR = ["read", "write", "call", "publish"] as const;
const user = (name: string): User => ({ name, color: "#c2303a" });
const you = { peer: peer("me"), user: user("Warm Fox") };
const participant = (fields: Partial<Participant>): Participant => ({
  peer: peer("p1"),
  protocol: "roomful.v1",
  capabilities: EDITOR,
  connectedAt: 1,
  ...fields,
});

it("this page is the first, whenever it came, and has the name that it gave itself", () => {
  const members = membersOf({
    participants: [participant({ clientId: 7 }), participant({ peer: peer("me"), clientId: 8, connectedAt: 2 })],
    named: [{ ...user("Calm Owl"), clientId: 7 }],
    you,
  });
  expect(members.map(({ name, isYou, clientId }) => [name, isYou, clientId])).toEqual([
    ["Warm Fox", true, null],
    ["Calm Owl", false, 7],
  ]);
});

it("the token's name counts, and what somebody calls themselves is told beside it", () => {
  const [member] = membersOf({
    participants: [participant({ clientId: 7, name: "Ada", subject: "ada", isMuted: true })],
    named: [{ ...user("The boss"), clientId: 7 }],
    you,
  });
  expect(member).toMatchObject({ name: "Ada", isVouched: true, alias: "The boss", subject: "ada", isMuted: true });
  const [other] = membersOf({
    participants: [participant({ clientId: 7 })],
    named: [{ ...user("Ada"), clientId: 7 }],
    you,
  });
  expect(other).toMatchObject({ name: "Ada", isVouched: false, alias: null, subject: null });
});

it("somebody who shows no presence is listed, and nobody is followed who is not there", () => {
  const members = membersOf({ participants: [participant({}), participant({ clientId: 9 })], named: [], you });
  expect(members.map(({ name, clientId, color }) => [name, clientId, color])).toEqual([
    ["Somebody", null, null],
    ["Another program", null, null],
  ]);
});

it("rights are told by the most that somebody may do, and nobody gives what they lack", () => {
  expect([rightsOf(["read"]), rightsOf(EDITOR), rightsOf(["read", "moderate"])]).toEqual([
    "viewer",
    "editor",
    "moderator",
  ]);
  expect(capabilitiesFor("viewer", [...EDITOR, "moderate"])).toEqual(["read"]);
  expect(capabilitiesFor("editor", [...EDITOR, "moderate"])).toEqual(EDITOR);
  expect(capabilitiesFor("editor", ["read", "write", "moderate"])).toEqual(["read", "write"]);
});
