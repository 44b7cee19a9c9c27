import { setTimeout as pause } from "node:timers/promises";
import { useOf } from "../servers/process-tree.ts";
import { cursorFrames } from "./cursors.ts";
import { answerStep1, prefixOf, sayHello } from "./dialect.ts";
import type { IdleJob, IdleResult } from "./job.ts";
import { kindOf } from "./progress.ts";
import { LoadSocket } from "./socket.ts";

/** A stock client renews its awareness so often. */
const RENEWAL_MS = 15_000;
const PING_MS = 20_000;
const PING = Buffer.from('{"type":"ping"}');
const SUBPROTOCOL = "roomful.v1";

/** People who look at a room and do nothing. */
export async function runIdle({ target, renewing, silent, settleSeconds, seconds }: IdleJob): Promise<IdleResult> {
  const prefix = prefixOf(target.dialect, "idle");
  const timers: NodeJS.Timeout[] = [];
  const sockets = await Promise.all(
    Array.from({ length: renewing + silent }, async (_, index) => {
      const isSilent = index >= renewing;
      const socket = await LoadSocket.open(
        `${target.url}/idle`,
        (message, opened) => {
          if (kindOf(message, prefix.length) === "step-1") answerStep1(opened, prefix);
        },
        isSilent ? SUBPROTOCOL : undefined,
      );
      sayHello(socket, target.dialect, prefix);
      const presence = cursorFrames(prefix, index);
      let clock = 0;
      const renew = () => {
        presence.take(clock, clock + 1, (frames) => socket.write(frames));
        clock++;
      };
      renew();
      // All at their own times, as people come.
      const part = index / (renewing + silent);
      const every = (milliseconds: number, act: () => void) => {
        timers.push(setTimeout(() => timers.push(setInterval(act, milliseconds)), part * milliseconds));
      };
      if (isSilent) every(PING_MS, () => socket.sendText(PING));
      let mustRenew = !isSilent;
      every(RENEWAL_MS, () => {
        if (mustRenew) renew();
      });
      socket.onText = (text) => {
        const message = JSON.parse(text) as { type: string; active?: boolean; renewPresence?: boolean };
        if (message.type === "welcome") mustRenew = message.renewPresence === true;
        if (message.type === "presence-renewal") mustRenew = message.active === true;
      };
      return socket;
    }),
  );
  await pause(settleSeconds * 1000);
  const before = { use: useOf(target.pid), bytes: total(sockets), at: performance.now() };
  await pause(seconds * 1000);
  const after = { use: useOf(target.pid), bytes: total(sockets), at: performance.now() };
  for (const timer of timers) clearInterval(timer);
  const ended = sockets.find((socket) => socket.ended !== null);
  if (ended !== undefined) throw new Error(`a socket ended: ${ended.ended}`);
  for (const socket of sockets) socket.close();
  return {
    seconds: (after.at - before.at) / 1000,
    bytes: after.bytes - before.bytes,
    serverCpuSeconds: after.use.cpuSeconds - before.use.cpuSeconds,
    residentBytes: after.use.residentBytes,
  };
}

function total(sockets: readonly LoadSocket[]): number {
  return sockets.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
}
