/**
 * The price of each thing that a client may ask, in microseconds of a room's time. Measured with Yjs 13.6 on a machine
 * with 2 cores, and rounded up; a faster machine gives everybody more room.
 */
import type { ErrorCode } from "../../shared/errors.ts";
import type { Work } from "../document/edit.ts";
import type { Kind } from "./budget.ts";

/** Taking in a message: the runtime needs more for it than the room, as a rule. */
const MESSAGE = 100;

/**
 * Taking in a sync frame that carries edits. Less than it is: whoever brings a long recording one keystroke at a time, as
 * fast as the runtime takes it, is to get through.
 */
const EDIT = 10;

/** Reading a byte of a binary frame. */
const BYTE = 0.003;

/** Reading a byte of a state vector, whose entries of four bytes or more each go into two maps and are looked up. */
const STATE_VECTOR_BYTE = 0.05;

/** Reading an entry of an awareness frame. */
const PRESENCE_ENTRY = 0.05;

/** Checking a byte of a JSON or Any value of an update, or of the structs of an update that is refused before its end. */
const CHECKED_BYTE = 0.03;

/** Handing a byte on to one more participant. */
const DELIVERED_BYTE = 0.002;

/** Sending one message that is not gathered with others. */
const DELIVERED_MESSAGE = 12;

/** Accepting a socket and letting go of it, the messages to it alone included. */
const CONNECTION = 1_000;

/** Telling a newcomer of one participant, and one participant of the newcomer, which is gathered with others who come. */
const ROSTER_ENTRY = 20;

/** Checking an item of an update and putting it into the document. */
const ITEM = 3;

/** Checking and carrying out a deletion, or passing over content that was collected. */
const DELETION = 0.5;

/**
 * A byte that no deletion removes, in a document that has enough of them. It costs no such time: the price lets new sessions in,
 * at 4 ms each, and keeps one connection from filling the document for good.
 */
const CROWDING_BYTE = 250;

/** A step of a search for an item's place. */
const SEARCH_STEP = 0.15;

/** A struct that is shifted, in an array that no cache of the processor holds. */
const MOVED_STRUCT = 0.001;

/** A byte of the document that must be loaded again, since an update threw. */
const LOADED_BYTE = 0.15;

/** A byte of the document that is looked at for what somebody lacks of it. */
const COMPARED_BYTE = 0.005;

/** A byte of what is encoded for somebody. */
const ENCODED_BYTE = 0.04;

/** A byte in memory of what is read as JSON: a full reading takes a third of a second. */
const READ_BYTE = 0.01;

/** A byte of JSON that is parsed. */
const PARSED_BYTE = 0.02;

/** Writing a row: a tenth of it is time, the rest stands for its price. */
const ROW = 2_000;

/** Verifying a token. */
const VERIFICATION = 300;

/** A refusal, which is logged and answered. */
const REFUSAL = 200;

/** Taking in a binary frame. */
export const frameCost = (kind: Kind, bytes: number): number =>
  (kind === "edits" ? EDIT : MESSAGE) + (kind === "joins" ? STATE_VECTOR_BYTE : BYTE) * bytes;

/** A connection that comes and goes, whoever is there. Its account pays for it, so that leaving resets nothing. */
export const connectionCost = (): number => CONNECTION;

/** The messages that a newcomer makes the room send. */
export const arrivalCost = (participants: number): number => ROSTER_ENTRY * participants;

/** Taking in a text message, and acting on it. */
export const messageCost = (characters: number): number => MESSAGE + PARSED_BYTE * characters;

/** The work that an update made, and its way to everybody. */
export function editCost(
  { items, deletions, checkedBytes, searchSteps, movedStructs, loads, crowding }: Work,
  bytes: number,
  room: RoomSize,
): number {
  return (
    ITEM * items +
    DELETION * deletions +
    CHECKED_BYTE * checkedBytes +
    SEARCH_STEP * searchSteps +
    CROWDING_BYTE * crowding +
    MOVED_STRUCT * movedStructs +
    LOADED_BYTE * room.documentBytes * loads +
    DELIVERED_BYTE * bytes * room.participants
  );
}

/** Reading the entries of an awareness frame, and the way of the one state that counts to everybody. */
export function presenceCost(entries: number, { bytes, nullStates }: PresenceWork, participants: number): number {
  // A claim has its sender announce itself, and often everybody; its leaving is told to all at once.
  const claim = nullStates === 0 ? 0 : (DELIVERED_MESSAGE + MESSAGE) * nullStates + DELIVERED_MESSAGE * participants;
  return PRESENCE_ENTRY * entries + (PARSED_BYTE + DELIVERED_BYTE * participants) * bytes + claim;
}

/** The work that an awareness frame made. */
export interface PresenceWork {
  /** Bytes of the state that was taken, to be sent to everybody; 0 when none was. */
  readonly bytes: number;
  /** Null states that sessions were sent for themselves. Each is answered by an announcement. */
  readonly nullStates: number;
}

/** Writing some rows. */
export const rowCost = (rows: number): number => ROW * rows;

/** Verifying a token that is to take the place of a session's. */
export const renewalCost = (): number => VERIFICATION;

/** An event's way to those who are sent it: each is sent a message of its own, at once. */
export const eventCost = (characters: number, receivers: number): number =>
  (DELIVERED_MESSAGE + DELIVERED_BYTE * characters) * receivers;

/** Taking in a call by HTTP or RPC, and answering it. */
export const callCost = (): number => MESSAGE;

/** Reading roots as JSON, and handing over what was made. @param bytes as `ReadMeter` counts them */
export const readCost = (bytes: number): number => READ_BYTE * bytes;

/** Telling a caller who is there. */
export const rosterCost = (participants: number): number => DELIVERED_MESSAGE * participants;

/** Finding out what somebody lacks of the document. */
export const comparisonCost = ({ documentBytes }: RoomSize): number => COMPARED_BYTE * documentBytes;

/** Encoding what somebody asked for. */
export const answerCost = (bytes: number): number => ENCODED_BYTE * bytes;

/** Telling somebody no. A missing right is told often and honestly, to a stock client that goes on editing. */
export const refusalCost = (code: ErrorCode): number => (code === "forbidden" ? EDIT : REFUSAL);

/** The size of a room, by which some prices go. */
export interface RoomSize {
  readonly participants: number;
  readonly documentBytes: number;
}
