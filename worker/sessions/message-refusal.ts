import { RoomfulError } from "../../shared/errors.ts";
import type { MessageToRoom } from "../../shared/messages-to-room.ts";

/** Why a text message could not be used, with its type, so that its sender knows which one it was. */
export class MessageRefusal extends RoomfulError {
  readonly about: MessageToRoom["type"];

  constructor(about: MessageToRoom["type"], { code, detail, cause }: RoomfulError) {
    super(code, detail, { cause });
    this.about = about;
  }
}
