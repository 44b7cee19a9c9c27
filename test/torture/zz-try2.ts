import { TorturedServer } from "./tortured-server.ts";
const server = await TorturedServer.start();
const t = Date.now();
for (let seed = Number(process.argv[2] ?? 1); seed < Number(process.argv[3] ?? 2); seed++) {
const r = await server.room("x").fuzz({ seed, runs: 20, windows: 40 });
console.log(seed, Date.now() - t, JSON.stringify(r.count));
if (r.failure) { console.log(r.failure.broken.slice(0,1500)); console.log(r.failure.frames.join("\n")); break; }
}
await server.stop();
