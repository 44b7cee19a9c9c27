import { CRAFTED } from "./crafted-frames.ts";
import { REGRESSIONS } from "./regressions.ts";
import { runCrafted, runRegression, type Way } from "./corpus.ts";
import { TorturedServer } from "./tortured-server.ts";
const server = await TorturedServer.start();
const all = process.argv[2] === "awaits";
for (const entry of CRAFTED.filter((e) => (e.awaits === true) === all)) for (const way of ["roomful.v1", "stock", "rpc"] as Way[]) {
  if (way === "rpc" && !entry.updates) continue;
  const t = Date.now();
  try { const { questions } = await runCrafted(server, entry, way); console.log("ok", entry.name, way, Date.now() - t, questions); } catch (e) { console.log("FAIL", entry.name, way, Date.now() - t, (e as Error).message.slice(0, 300), (e as Error).cause ?? ""); }
}
for (const r of REGRESSIONS) try { await runRegression(server, r); console.log("ok", r.name); } catch (e) { console.log("FAIL", r.name, (e as Error).message); }
process.exit();
