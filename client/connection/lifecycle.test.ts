import * as prng from "lib0/prng";
import { describe, expect, it } from "vitest";
import { PING } from "../../shared/messages.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { FakeSocket } from "../../test/support/fake-socket.ts";
import { Connector } from "./connector.ts";
import { backoff, type ConnectionTiming } from "./lifecycle.ts";

const timing: ConnectionTiming = {
  pingInterval: 25_000,
  pingTimeout: 10_000,
  connectTimeout: 30_000,
  firstBackoff: 200,
  maxBackoff: 10_000,
};

type Token = () => string | undefined | Promise<string | undefined>;

/** A connector in a world that the test decides. */
function world({ token = () => undefined, random = () => 0.5 }: { token?: Token; random?: () => number } = {}) {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const tokens: (string | undefined)[] = [];
  const told: string[] = [];
  let wake = () => {};
  let isListening = true;
  const connector = new Connector({
    clock,
    random,
    timing,
    fetchToken: token,
    openSocket: (fetched) => {
      tokens.push(fetched);
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    onWake: (callback) => {
      wake = callback;
      return () => {
        isListening = false;
      };
    },
    listener: {
      connecting: () => told.push("connecting"),
      socketOpened: () => told.push("opened"),
      message: (data) => told.push(`message ${data}`),
      failed: () => told.push("failed"),
      socketClosed: (cause, wasOpen) => told.push(`closed ${cause?.code ?? "here"} ${wasOpen ? "open" : "unopened"}`),
      connectionEnded: ({ code, reason }) => told.push(`ended ${code} ${reason}`),
      couldNotStart: (cause) => told.push(`could not start: ${(cause as Error).message}`),
    },
  });
  return {
    connector,
    clock,
    sockets,
    tokens,
    told,
    wake: () => wake(),
    get isListening() {
      return isListening;
    },
    get live(): number {
      return sockets.filter(({ isLive }) => isLive).length;
    },
  };
}

describe("the wait before a retry", () => {
  it("is a random part of a bound that doubles up to its limit", () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => backoff(failures, 1, timing));
    expect(bounds).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    expect(backoff(3, 0, timing)).toBe(0);
    expect(backoff(3, 0.25, timing)).toBe(200);
  });

  it("grows with connections that open and are of no use", () => {
    const { connector, clock, sockets, ...at } = world({ random: () => 0.999_999 });
    connector.connect();
    const waits: number[] = [];
    for (let round = 0; round < 5; round++) {
      sockets.at(-1)?.opens();
      sockets.at(-1)?.closes(1006);
      const [before, count] = [clock.now(), sockets.length];
      while (sockets.length === count) clock.advance(10);
      waits.push(clock.now() - before);
    }
    expect(waits.map((wait) => Math.ceil(wait / 10) * 10)).toEqual([200, 400, 800, 1_600, 3_200]);
    sockets.at(-1)?.opens();
    connector.wasUseful();
    sockets.at(-1)?.closes(1006);
    const count = sockets.length;
    clock.advance(200);
    expect(sockets.length).toBe(count + 1);
    expect(at.told.filter((line) => line === "opened")).toHaveLength(6);
  });

  it("ends at once when there is a sign that it is worth to try", () => {
    const { connector, sockets, wake } = world();
    connector.connect();
    sockets[0]?.closes(1006);
    wake();
    expect(sockets).toHaveLength(2);
  });
});

describe("an open socket", () => {
  it("is pinged when nothing arrived for the interval, and given up when nothing arrives after that", () => {
    const { connector, clock, told, ...at } = world();
    connector.connect();
    at.sockets[0]?.opens();
    clock.advance(20_000);
    at.sockets[0]?.receives("anything");
    clock.advance(24_000);
    expect(at.sockets[0]?.sent).toEqual([]);
    clock.advance(1_000);
    expect(at.sockets[0]?.sent).toEqual([PING]);
    clock.advance(9_999);
    expect(at.sockets[0]?.isLive).toBe(true);
    clock.advance(1);
    expect([at.sockets[0]?.isLive, at.sockets[0]?.closeCode]).toEqual([false, 4900]);
    expect(told.at(-1)).toBe("closed here open");
  });

  it("that answers is never given up, and pinged once per interval", () => {
    const { connector, clock, told, ...at } = world();
    connector.connect();
    at.sockets[0]?.opens();
    for (let second = 0; second < 1_000; second++) {
      clock.advance(1_000);
      const socket = at.sockets[0];
      if (socket !== undefined && socket.sent.length > told.filter((line) => line.startsWith("message")).length) {
        socket.receives("pong");
      }
    }
    expect(at.sockets).toHaveLength(1);
    expect(at.sockets[0]?.sent).toHaveLength(40);
  });

  it("is given longer to answer the more connections failed, since a slow link delays the answer", () => {
    const { connector, clock, sockets } = world({ random: () => 0 });
    connector.connect();
    const lives: number[] = [];
    for (let round = 0; round < 6; round++) {
      const socket = sockets.at(-1);
      socket?.opens();
      const start = clock.now();
      while (socket?.isLive) clock.advance(1_000);
      lives.push((clock.now() - start) / 1_000);
      clock.advance(0);
    }
    expect(lives).toEqual([35, 45, 65, 105, 185, 185]);
  });

  it("is not given up as long as an upload moves on, and the answer that queues behind it is waited for", () => {
    const { connector, clock, sockets, told } = world();
    connector.connect();
    const [socket] = sockets;
    if (socket === undefined) throw new Error("no socket");
    socket.opens();
    socket.isSlow = true;
    connector.send(new Uint8Array(1_000_000));
    // 5 kB in a second.
    for (let second = 0; second < 200; second++) {
      clock.advance(1_000);
      socket.bufferedAmount = Math.max(0, socket.bufferedAmount - 5_000);
    }
    expect([socket.isLive, socket.sent.length]).toEqual([true, 2]);
    clock.advance(9_000);
    socket.receives("pong");
    clock.advance(30_000);
    expect([socket.isLive, told.at(-1)]).toEqual([true, "message pong"]);
    clock.advance(5_000);
    expect([socket.isLive, told.at(-1)]).toEqual([false, "closed here open"]);
  });

  it("whose upload is stuck is given up, whatever is added to it", () => {
    const { connector, clock, sockets } = world();
    connector.connect();
    const [socket] = sockets;
    if (socket === undefined) throw new Error("no socket");
    socket.opens();
    socket.isSlow = true;
    connector.send(new Uint8Array(1_000_000));
    // What the network takes before it notices.
    socket.bufferedAmount = 400_000;
    for (let second = 0; second < 35; second++) {
      expect(socket.isLive).toBe(true);
      clock.advance(1_000);
      connector.send(new Uint8Array(100));
    }
    expect(socket.isLive).toBe(false);
  });

  it("that takes what is sent and never answers is given up: the network takes some for a dead connection too", () => {
    const { connector, clock, sockets } = world();
    connector.connect();
    for (let second = 0; second < 36; second++) {
      if (second === 0) sockets[0]?.opens();
      clock.advance(1_000);
      connector.send(new Uint8Array(100));
    }
    expect(sockets[0]?.isLive).toBe(false);
  });

  it("that does not tell how much waits is judged by what is heard alone", () => {
    const { connector, clock, sockets } = world();
    connector.connect();
    const [socket] = sockets;
    socket?.opens();
    Reflect.deleteProperty(socket ?? {}, "bufferedAmount");
    for (let second = 0; second < 36; second++) {
      connector.send(new Uint8Array(100));
      clock.advance(1_000);
    }
    expect(socket?.isLive).toBe(false);
  });

  it("is pinged at once on waking, since it may have died unseen", () => {
    const { connector, clock, wake, ...at } = world();
    connector.connect();
    at.sockets[0]?.opens();
    wake();
    wake();
    expect(at.sockets[0]?.sent).toEqual([PING]);
    clock.advance(10_000);
    expect(at.sockets[0]?.isLive).toBe(false);
  });
});

describe("a close", () => {
  it("with a final code ends with its reason, and only connect leads on", () => {
    const { connector, clock, told, wake, sockets } = world();
    connector.connect();
    sockets[0]?.opens();
    sockets[0]?.closes(4403, "forbidden: no");
    expect(told.slice(-2)).toEqual(["closed 4403 open", "ended 4403 forbidden: no"]);
    wake();
    clock.advance(1_000_000);
    expect(sockets).toHaveLength(1);
    connector.connect();
    expect(sockets).toHaveLength(2);
  });

  it.each([1000, 1001, 1006, 1011, 1012, 4000, 4399, 4500, 4503])("with %i is followed by a retry", (code) => {
    const { connector, clock, sockets } = world();
    connector.connect();
    sockets[0]?.opens();
    sockets[0]?.closes(code);
    clock.advance(200);
    expect(sockets).toHaveLength(2);
  });

  it("of an old socket does nothing to its successor", () => {
    const { connector, told, sockets } = world();
    connector.connect();
    sockets[0]?.opens();
    connector.disconnect();
    expect(sockets[0]?.closeCode).toBe(1000);
    connector.connect();
    sockets[1]?.opens();
    const before = [...told];
    sockets[0]?.closes(4403, "late");
    sockets[0]?.receives("late");
    sockets[0]?.errs();
    expect(told).toEqual(before);
    expect(connector.socket).toBe(sockets[1]);
  });
});

describe("a token", () => {
  it("is fetched anew for each connection", async () => {
    let count = 0;
    const { connector, clock, tokens, sockets } = world({ token: async () => `token ${++count}` });
    connector.connect();
    await Promise.resolve();
    sockets[0]?.closes(1006);
    clock.advance(200);
    await Promise.resolve();
    expect(tokens).toEqual(["token 1", "token 2"]);
  });

  it("that can't be fetched is reported, and fetched again later", async () => {
    let fails = true;
    const token = async () => {
      if (fails) throw new Error("no network");
      return "token";
    };
    const { connector, clock, told, tokens } = world({ token });
    connector.connect();
    await Promise.resolve();
    expect(told).toEqual(["connecting", "could not start: no network"]);
    fails = false;
    clock.advance(200);
    await Promise.resolve();
    expect(tokens).toEqual(["token"]);
  });

  it("may come by anything that has a then", async () => {
    // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
    const token = () => ({ then: (use: (token: string) => void) => use("token") }) as Promise<string>;
    const { connector, tokens } = world({ token });
    connector.connect();
    await new Promise((resolve) => setTimeout(resolve));
    expect(tokens).toEqual(["token"]);
  });

  it("that never comes is given up", () => {
    let asked = 0;
    const token = () => {
      asked++;
      return new Promise<string>(() => {});
    };
    const { connector, clock } = world({ token });
    connector.connect();
    clock.advance(timing.connectTimeout + 200);
    expect(asked).toBe(2);
  });

  it("that comes after a disconnect opens nothing", async () => {
    let resolve = (_token: string) => {};
    const token = () => new Promise<string>((settle) => (resolve = settle));
    const { connector, sockets } = world({ token });
    connector.connect();
    connector.disconnect();
    resolve("late");
    await Promise.resolve();
    expect(sockets).toEqual([]);
  });
});

it("a token that comes late is not used by the next attempt", async () => {
  const resolves: ((token: string) => void)[] = [];
  const { connector, tokens } = world({ token: () => new Promise((resolve) => resolves.push(resolve)) });
  connector.connect();
  connector.disconnect();
  connector.connect();
  resolves[0]?.("first");
  await Promise.resolve();
  expect(tokens).toEqual([]);
  resolves[1]?.("second");
  await Promise.resolve();
  expect(tokens).toEqual(["second"]);
});

/** What may be told: each attempt in order, and nothing of an attempt that is over. */
const GRAMMAR =
  /^(connecting,(could not start[^,]*,|failed,)*(opened,(message [^,]*,|failed,)*)?(closed [^,]*,(ended [^,]*,)?)?)*$/;

describe("random events", () => {
  it.each(Array.from({ length: 40 }, (_, block) => block))("block %i of seeds ends stable", async (block) => {
    for (let seed = block * 10; seed < block * 10 + 10; seed++) await live(seed);
  });
});

/** One random life: whatever happens, at most one socket is live and the one timer runs when something is waited for. */
async function live(seed: number): Promise<void> {
  // A generator that starts with 0 gives zeros for ever.
  const chance = prng.create(seed + 1);
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[prng.int31(chance, 0, items.length - 1)];
  const pendingTokens: { resolve: (token: string) => void; reject: (cause: Error) => void }[] = [];
  const token = () => {
    if (prng.int31(chance, 0, 3) === 0) throw new Error("no token");
    if (prng.bool(chance)) return "token";
    return new Promise<string>((resolve, reject) => pendingTokens.push({ resolve, reject }));
  };
  const at = world({ token, random: () => prng.real53(chance) });
  const { connector, clock, sockets, told } = at;
  const anySocket = () => (sockets.length === 0 ? undefined : prng.bool(chance) ? sockets.at(-1) : pick(sockets));
  const actions: (() => void)[] = [
    () => connector.connect(),
    () => connector.connect(),
    () => connector.disconnect(),
    () => at.wake(),
    () => connector.wasUseful(),
    () => anySocket()?.opens(),
    () => sockets.at(-1)?.opens(),
    () => anySocket()?.receives("text"),
    () => anySocket()?.errs(),
    () => anySocket()?.closes(pick([1000, 1006, 1012, 4500]) ?? 1006),
    () => anySocket()?.closes(pick([4400, 4401, 4403, 4499]) ?? 4400, "final"),
    () => clock.advance(prng.int31(chance, 0, 40_000)),
    () => clock.advance(prng.int31(chance, 0, 500)),
    () => pick(pendingTokens)?.resolve("token"),
    () => pick(pendingTokens)?.reject(new Error("no token")),
    () => connector.send("edit"),
    () => {
      const socket = sockets.at(-1);
      if (socket !== undefined) socket.bufferedAmount = prng.int31(chance, 0, 10_000);
    },
  ];
  const check = () => {
    const { type } = connector.state;
    const waits = type !== "idle" && type !== "ended" && type !== "destroyed";
    expect(clock.pending, `seed ${seed}: timers when ${type}`).toBe(waits ? 1 : 0);
    expect(at.live, `seed ${seed}: live sockets when ${type}`).toBeLessThanOrEqual(1);
    if (type === "open") {
      expect(connector.socket, `seed ${seed}`).toBe(sockets.at(-1));
      expect(connector.socket?.readyState, `seed ${seed}: open without an open socket`).not.toBe(0);
    }
    if (at.live === 1) expect(["connecting", "open"], `seed ${seed}`).toContain(type);
    expect(`${told.join(",")},`.replace(/^,$/, ""), `seed ${seed}`).toMatch(GRAMMAR);
  };
  for (let round = 0; round < 60; round++) {
    pick(actions)?.();
    await Promise.resolve();
    check();
  }
  // From wherever it is, a world that behaves is connected to.
  connector.connect();
  for (let tries = 0; connector.state.type !== "open"; tries++) {
    expect(tries, `seed ${seed}: no connection when ${connector.state.type}`).toBeLessThan(300);
    for (const { resolve } of pendingTokens.splice(0)) resolve("token");
    await Promise.resolve();
    if (connector.state.type === "connecting") sockets.at(-1)?.opens();
    else clock.advance(1_000);
    check();
  }
  connector.destroy();
  check();
  const after = [...told];
  for (let round = 0; round < 40; round++) {
    pick(actions)?.();
    await Promise.resolve();
  }
  expect(told, `seed ${seed}: told after destroy`).toEqual(after);
  expect([clock.pending, at.live, at.isListening], `seed ${seed}`).toEqual([0, 0, false]);
}
