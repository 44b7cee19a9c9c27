import { NodeClient } from "./node-client.ts";
import { until } from "./until.ts";

/**
 * Asks for a room with a token, as a client of `roomful.v1` would.
 * @returns `"welcome"`, or the code with which it was refused, after its close code
 */
export async function enteringAs(token: string, url: string): Promise<string> {
  const opened = await NodeClient.open(url, { offers: [`roomful.bearer.${token}`] }).catch(
    ({ message }: Error) => message,
  );
  if (typeof opened === "string") return opened;
  const isWelcome = () => opened.messagesOf("welcome").length > 0;
  await until(() => isWelcome() || opened.closed !== null, "an answer");
  opened.cut();
  return isWelcome() ? "welcome" : (opened.refusal ?? "");
}
