/** A process of its own for one server: `node bench/servers/host.ts <server> <options>`, told what to do by messages. */
import { SERVERS } from "./catalog.ts";
import type { RunningServer, ServerName, StartOptions } from "./server.ts";

const [, , name, given] = process.argv;
const { start } = SERVERS[name as ServerName];
const options = JSON.parse(given ?? "") as StartOptions;

let server = await start(options);

async function answer(command: string, room: string): Promise<unknown> {
  switch (command) {
    case "restart":
      await server.stop();
      server = await start(options);
      return server.url;
    case "figures":
      return await demand(server.figures)(room);
    case "evict":
      return await demand(server.evict)(room);
    case "flush":
      return await demand(server.flush)(room);
    default:
      throw new Error(`no command ${command}`);
  }
}

function demand<Method extends RunningServer["figures" | "evict" | "flush"]>(method: Method): NonNullable<Method> {
  if (method === undefined) throw new Error(`${name} can't do that`);
  return method;
}

process.on("message", ({ id, command, room }: { id: number; command: string; room: string }) => {
  answer(command, room).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.on("disconnect", () => void server.stop().finally(() => process.exit(0)));
process.send?.({ id: 0, result: server.url });
