/** A process that serves rooms until it is killed. Its argument is `TorturedServerOptions` as JSON; prints its URL. */
import { TorturedServer, type TorturedServerOptions } from "./tortured-server.ts";

const [options = "{}"] = process.argv.slice(2);
const server = await TorturedServer.start(JSON.parse(options) as TorturedServerOptions);
console.log(`serving ${await server.url()}`);
