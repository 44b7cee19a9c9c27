/** For an app's own server: making the tokens that admit its users to rooms. Runs wherever Web Crypto is. */
export { type ErrorCode, errorCodeOf, RoomfulError } from "../shared/errors.ts";
export type { Capability, Jurisdiction, LocationHint, Placement, Role } from "../shared/rooms.ts";
export type { TokenAlgorithm } from "../shared/tokens.ts";
export { mintToken, type SigningKey, type TokenContents } from "./token.ts";
