import { runFrames } from "./frames.ts";
const t = Date.now();
try { console.log(JSON.stringify(await runFrames({ seed: Number(process.argv[2] ?? 1), burst: Number(process.argv[3]), lone: Number(process.argv[4]), isolate: Number(process.argv[5]) })), Date.now() - t); } catch (e) { console.log(e, Date.now() - t); }
process.exit();
