import { WebSocket } from "ws";
import { parseMessageFromRoom, ROOMFUL_PROTOCOL } from "../../shared/messages.ts";
import { until } from "./until.ts";

/**
 * Asks for a room with a token, as a client of `roomful.v1` would.
 * @returns `"welcome"`, or the code with which it was refused, after its close code
 */
export async function enteringAs(token: string, url: string): Promise<string> {
  const socket = new WebSocket(url, [ROOMFUL_PROTOCOL, `roomful.bearer.${token}`]);
  let outcome: string | undefined;
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    if (!isBinary && parseMessageFromRoom(data.toString()).type === "welcome") outcome ??= "welcome";
  });
  socket.on("error", ({ message }) => {
    outcome ??= message;
  });
  socket.on("close", (code: number, reason: Buffer) => {
    outcome ??= `${code} ${reason.toString().split(":")[0]}`;
  });
  await until(() => outcome !== undefined, "an answer");
  socket.terminate();
  return outcome ?? "";
}
