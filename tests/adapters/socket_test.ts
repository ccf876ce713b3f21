/** What every adapter must do, over sockets of this runtime and of all that it can stand in for. */

import type { Address } from "../../mod.ts";
import type { Adapter, Listener, Socket } from "../../src/adapters/socket.ts";
import { StreamSocket } from "../../src/adapters/stream.ts";
import { assertBytes, concat } from "../bytes.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  delay,
  runtime,
  tempDir,
  test,
} from "../harness.ts";
import { settle } from "../mta_player.ts";
import { deferred } from "../deferred.ts";
import { memoryPair } from "../wires.ts";

/** Both ends of one connection. */
interface Pair extends AsyncDisposable {
  readonly near: Socket;
  readonly far: Socket;
}

/** A way to get connections. */
interface Kind {
  readonly name: string;
  readonly connect: () => Promise<Pair>;
  /** Not all of them can be cut from one side, or closed on one side only. */
  readonly system: boolean;
}

async function adapters(): Promise<readonly (readonly [string, Adapter])[]> {
  const { nodeAdapter } = await import("../../src/adapters/node.ts");
  const node = ["node", nodeAdapter] as const;
  if (runtime === "deno") return [["deno", (await import("../../src/adapters/deno.ts")).denoAdapter], node];
  if (runtime === "bun") return [["bun", (await import("../../src/adapters/bun.ts")).bunAdapter], node];
  return [node];
}

/** More than come in at once where that is up to us. */
const CROWD = 100;

/** Many that connect at once. */
function crowd(adapter: Adapter, { address }: Listener): Promise<Socket[]> {
  return Promise.all(Array.from({ length: CROWD }, () => adapter.connect(address)));
}

/** A connection through a listener of an adapter, which takes no other. */
async function through(adapter: Adapter, address: Address, done?: AsyncDisposable): Promise<Pair> {
  const { promise: accepted, resolve: accept } = deferred<Socket>();
  const listener: Listener = await adapter.listen(address, accept);
  const near = await adapter.connect(listener.address);
  const far = await accepted;
  await listener.close();
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      await settle();
      await done?.[Symbol.asyncDispose]();
    },
  };
}

function inMemory(): Pair {
  const [one, other] = memoryPair();
  const [near, far] = [new StreamSocket(one), new StreamSocket(other)];
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      await settle();
    },
  };
}

const ADAPTERS = await adapters();

const KINDS: readonly Kind[] = [
  ...ADAPTERS.flatMap(([name, adapter]): Kind[] => [
    {
      name: `${name}, TCP`,
      connect: () => through(adapter, { host: "127.0.0.1", port: 0 }),
      system: true,
    },
    {
      name: `${name}, Unix socket`,
      connect: async () => {
        const directory = await tempDir();
        return through(adapter, { path: directory.file("s") }, directory);
      },
      system: true,
    },
  ]),
  { name: "Web Streams", connect: () => Promise.resolve(inMemory()), system: false },
];

/** What a socket tells, kept; and promises of what it has not told yet. */
class Ear {
  readonly chunks: Uint8Array[] = [];
  readonly events: string[] = [];
  size = 0;
  onData: () => void = () => {};
  #drained = deferred<void>();
  #changed = deferred<void>();

  constructor(socket: Socket) {
    socket.start({
      data: (chunk) => {
        this.chunks.push(Uint8Array.from(chunk)); // What is lent must be copied.
        this.size += chunk.length;
        this.onData();
        this.#change();
      },
      end: () => this.#tell("end"),
      drain: () => {
        this.#drained.resolve();
        this.#drained = deferred();
      },
      closed: () => this.#tell("closed"),
    });
  }

  #tell(event: string): void {
    this.events.push(event);
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = deferred();
  }

  get bytes(): Uint8Array {
    return concat(this.chunks);
  }

  drained(): Promise<void> {
    return this.#drained.promise;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  heard(event: string): Promise<void> {
    return this.until(() => this.events.includes(event));
  }
}

/** The end of the peer's side may have been told before; the end of it all is told once, and last. */
function assertClosed({ events }: Ear): void {
  assertEquals(events.filter((event, at) => event !== "end" || at > 0), ["closed"]);
}

/** Bytes that differ everywhere. */
function content(size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(at + 1, 0x9e3779b1);
  return new Uint8Array(words.buffer, 0, size);
}

/** Writes pieces, and waits where the socket says that there is no room. Tells how often it did. */
async function writeAll(socket: Socket, ear: Ear, bytes: Uint8Array, piece: number): Promise<number> {
  let waits = 0;
  for (let at = 0; at < bytes.length; at += piece) {
    if (socket.write(bytes.subarray(at, at + piece))) continue;
    waits++;
    await ear.drained();
  }
  return waits;
}

for (const { name, connect, system } of KINDS) {
  test(`Socket (${name}) carries 10 MB both ways at once, to readers that pause`, async () => {
    await using pair = await connect();
    const { near, far } = pair;
    const [nearEar, farEar] = [new Ear(near), new Ear(far)];
    for (const [socket, ear] of [[near, nearEar], [far, farEar]] as const) {
      let chunks = 0;
      ear.onData = () => {
        if (++chunks % 16 !== 0) return;
        socket.pause();
        setTimeout(() => socket.resume(), 1);
      };
    }
    const [up, down] = [content(10_000_000), content(10_000_000).reverse()];
    const waits = await Promise.all([
      writeAll(near, nearEar, up, 100_000),
      writeAll(far, farEar, down, 250_000),
    ]);
    await Promise.all([
      farEar.until(() => farEar.size === up.length),
      nearEar.until(() => nearEar.size === down.length),
    ]);
    assertBytes(farEar.bytes, up);
    assertBytes(nearEar.bytes, down);
    assert(waits.every((times) => times > 0), "write found room all the time");
  });

  test(`Socket (${name}) says when to work on what came, soon and never after its end`, async () => {
    await using pair = await connect();
    const farEar = new Ear(pair.far);
    const told = deferred<void>();
    let [size, waiting, ended] = [0, 0, false];
    pair.near.start({
      data: (chunk) => {
        size += chunk.length;
        waiting += chunk.length;
      },
      endOfTurn: () => {
        assert(!ended, "told after the end");
        waiting = 0;
        if (size === 300_003) pair.near.destroy();
      },
      end: () => {},
      drain: () => {},
      closed: () => {
        ended = true;
        told.resolve();
      },
    });
    for (let count = 0; count < 3; count++) {
      pair.far.write(Uint8Array.of(count));
      await delay(5);
    }
    await writeAll(pair.far, farEar, content(300_000), 100_000);
    await told.promise;
    await delay(5);
    assertEquals([size, waiting], [300_003, 0]);
  });

  test(`Socket (${name}) gives no more while it is paused, and all of it later`, async () => {
    await using pair = await connect();
    const [ear, farEar] = [new Ear(pair.near), new Ear(pair.far)];
    const bytes = content(20_000_000);
    ear.onData = () => pair.near.pause();
    const written = writeAll(pair.far, farEar, bytes, 500_000);
    await ear.until(() => ear.size > 0);
    await delay(50);
    const paused = ear.size;
    assertLess(paused, 2_000_000);
    await delay(50);
    assertEquals(ear.size, paused);
    ear.onData = () => {};
    pair.near.resume();
    assertGreater(await written, 0);
    await ear.until(() => ear.size === bytes.length);
    assertBytes(ear.bytes, bytes);
  });

  test(`Socket (${name}) that closes sends what was written first, and is closed once`, async () => {
    await using pair = await connect();
    const [ear, farEar] = [new Ear(pair.near), new Ear(pair.far)];
    const bytes = content(3_000_000);
    pair.near.write(bytes.subarray(0, 1_000_000));
    pair.near.write(bytes.subarray(1_000_000));
    pair.near.close();
    await farEar.heard("end");
    assertBytes(farEar.bytes, bytes);
    pair.far.close();
    await Promise.all([ear.heard("closed"), farEar.heard("closed")]);
    await settle();
    assertClosed(ear);
    assertEquals(farEar.events, ["end", "closed"]);
  });

  test(`Socket (${name}) that ends its side sends what was written first, and still hears its peer`, async () => {
    await using pair = await connect();
    const [ear, farEar] = [new Ear(pair.near), new Ear(pair.far)];
    const bytes = content(3_000_000);
    pair.near.write(bytes.subarray(0, 1_000_000));
    pair.near.write(bytes.subarray(1_000_000));
    pair.near.end();
    await farEar.heard("end");
    assertBytes(farEar.bytes, bytes);
    await writeAll(pair.far, farEar, bytes, 500_000);
    await ear.until(() => ear.size === bytes.length);
    assertBytes(ear.bytes, bytes);
    pair.far.end();
    // Where both sides are closed, some runtimes tell that the connection is, and no more.
    await ear.until(() => ear.events.length > 0);
    pair.near.close();
    pair.far.close();
    await Promise.all([ear.heard("closed"), farEar.heard("closed")]);
    assertClosed(ear);
    assertEquals(farEar.events, ["end", "closed"]);
  });

  test(`Socket (${name}) that closes is closed even if its peer never does`, async () => {
    await using pair = await connect();
    const ear = new Ear(pair.near);
    const farEar = new Ear(pair.far);
    pair.near.write(content(100));
    pair.near.close();
    await farEar.until(() => farEar.size === 100);
    await ear.heard("closed");
  });

  test(`Socket (${name}) may be closed twice, and destroyed after that`, async () => {
    await using pair = await connect();
    const [ear, farEar] = [new Ear(pair.near), new Ear(pair.far)];
    const bytes = content(1_000_000);
    pair.near.write(bytes);
    pair.near.close();
    pair.near.close();
    await farEar.heard("end");
    assertBytes(farEar.bytes, bytes);
    pair.far.close();
    await ear.heard("closed");
    pair.near.destroy();
    pair.near.close();
    await settle();
    assertClosed(ear);
  });

  test(`Socket (${name}) that is destroyed is closed once, for both`, async () => {
    await using pair = await connect();
    const [ear, farEar] = [new Ear(pair.near), new Ear(pair.far)];
    pair.near.write(content(100));
    await farEar.until(() => farEar.size === 100);
    pair.near.destroy();
    pair.near.destroy();
    await ear.heard("closed");
    pair.far.write(content(100));
    await farEar.until(() => farEar.events.length > 0);
    pair.far.close();
    await farEar.heard("closed");
    await settle();
    assertClosed(ear);
    assertClosed(farEar);
  });

  test(`Socket (${name}) takes a write after its end, and says nothing of it`, async () => {
    await using pair = await connect();
    const [ear] = [new Ear(pair.near), new Ear(pair.far)];
    pair.near.destroy();
    await ear.heard("closed");
    pair.near.write(content(10));
    pair.near.pause();
    pair.near.resume();
    pair.near.close();
    await settle();
    assertClosed(ear);
  });

  test(`Socket (${name}) that is started late loses nothing of what came before`, async () => {
    await using pair = await connect();
    const farEar = new Ear(pair.far);
    const bytes = content(300_000);
    const written = writeAll(pair.far, farEar, bytes, 100_000);
    await delay(30);
    const ear = new Ear(pair.near);
    await ear.until(() => ear.size === bytes.length);
    assertBytes(ear.bytes, bytes);
    await written;
  });

  test(`Socket (${name}) names its peer`, { ignore: !system }, async () => {
    await using pair = await connect();
    new Ear(pair.near);
    new Ear(pair.far);
    const pattern = /TCP/.test(name) ? /^(::ffff:)?127\.0\.0\.1:\d+$/ : /^(unix:.*)?$/;
    for (const { peer } of [pair.near, pair.far]) assert(pattern.test(peer), peer);
  });
}

for (const [name, adapter] of ADAPTERS) {
  test(`Socket (${name}) answers a peer that has closed its side`, async () => {
    const { connect } = await import("node:net");
    const sockets: Socket[] = [];
    const listener = await adapter.listen({ host: "127.0.0.1", port: 0 }, (socket) => {
      sockets.push(socket);
      const ear: Ear = new Ear(socket);
      ear.heard("end").then(() => {
        socket.write(concat([ear.bytes, content(1_000_000)]));
        socket.close();
      });
    });
    assert("port" in listener.address);
    const peer = connect({ port: listener.address.port, host: "127.0.0.1", allowHalfOpen: true });
    peer.end("request");
    const chunks: Uint8Array[] = [];
    for await (const chunk of peer) chunks.push(new Uint8Array(chunk));
    assertBytes(concat(chunks), concat([new TextEncoder().encode("request"), content(1_000_000)]));
    peer.destroy();
    await listener.close();
    await settle();
  });

  test(`Socket (${name}) hears a peer out that closes its side while nothing is read`, async () => {
    const { connect } = await import("node:net");
    const { promise: accepted, resolve } = deferred<Socket>();
    const listener = await adapter.listen({ host: "127.0.0.1", port: 0 }, resolve);
    assert("port" in listener.address);
    const peer = connect({ port: listener.address.port, host: "127.0.0.1", allowHalfOpen: true });
    const socket = await accepted;
    const ear = new Ear(socket);
    ear.onData = () => {
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    };
    const bytes = content(300_000);
    peer.end(bytes);
    await ear.heard("end");
    assertBytes(ear.bytes, bytes);
    socket.close();
    await ear.heard("closed");
    peer.destroy();
    await listener.close();
    await settle();
  });

  test(`Socket (${name}) is closed once when its peer resets the connection`, async () => {
    const { connect } = await import("node:net");
    const { promise: accepted, resolve } = deferred<Socket>();
    const listener = await adapter.listen({ host: "127.0.0.1", port: 0 }, resolve);
    assert("port" in listener.address);
    const peer = connect({ port: listener.address.port, host: "127.0.0.1" });
    peer.on("error", () => {});
    const gone = new Promise((resolve) => peer.once("close", resolve));
    const socket = await accepted;
    const ear = new Ear(socket);
    socket.write(content(10));
    await new Promise((resolve) => peer.once("data", resolve));
    peer.resetAndDestroy();
    await ear.heard("closed");
    socket.write(content(10));
    socket.destroy();
    await Promise.all([gone, listener.close()]);
    await settle();
    assertClosed(ear);
  });

  test(`Adapter (${name}) keeps the connections that are open when it listens no more`, async () => {
    const { promise: accepted, resolve } = deferred<Socket>();
    const listener = await adapter.listen({ host: "127.0.0.1", port: 0 }, resolve);
    const near = await adapter.connect(listener.address);
    const far = await accepted;
    await listener.close();
    const [ear, farEar] = [new Ear(near), new Ear(far)];
    near.write(content(10));
    await farEar.until(() => farEar.size === 10);
    far.write(content(20));
    await ear.until(() => ear.size === 20);
    near.destroy();
    far.destroy();
    await Promise.all([ear.heard("closed"), farEar.heard("closed")]);
  });

  test(`Adapter (${name}) takes all who have connected before it listens no more`, async () => {
    const taken: Socket[] = [];
    const listener = await adapter.listen({ host: "127.0.0.1", port: 0 }, (socket) => {
      taken.push(socket);
      socket.write(content(10));
    });
    const connected = await crowd(adapter, listener);
    await listener.close();
    assertEquals(taken.length, CROWD);
    const ears = [...taken, ...connected].map((socket) => new Ear(socket));
    await Promise.all(ears.slice(CROWD).map((ear) => ear.until(() => ear.size === 10)));
    for (const socket of [...taken, ...connected]) socket.destroy();
    await Promise.all(ears.map((ear) => ear.heard("closed")));
  });

  test(`Adapter (${name}) is rid of those who are gone before it is their turn`, async () => {
    const gone: Promise<void>[] = [];
    const listener = await adapter.listen({ host: "127.0.0.1", port: 0 }, (socket) => {
      const ear = new Ear(socket);
      socket.write(content(10));
      gone.push(
        ear.until(() => ear.events.length > 0).then(() => {
          socket.destroy();
          return ear.heard("closed");
        }),
      );
    });
    for (const socket of await crowd(adapter, listener)) socket.destroy();
    const last = await adapter.connect(listener.address);
    const ear = new Ear(last);
    await ear.until(() => ear.size === 10);
    last.destroy();
    await ear.heard("closed");
    await listener.close();
    await Promise.all(gone);
  });

  test(`Adapter (${name}) loses nothing of those who have spoken and ended before it is their turn`, async () => {
    const taken: Ear[] = [];
    const listener = await adapter.listen({ host: "127.0.0.1", port: 0 }, (socket) => {
      const ear = new Ear(socket);
      taken.push(ear);
      ear.heard("end").then(() => socket.close());
    });
    const connected = await crowd(adapter, listener);
    const ears = connected.map((socket) => new Ear(socket));
    for (const socket of connected) {
      socket.write(content(10));
      socket.end();
    }
    await Promise.all(ears.map((ear) => ear.until(() => ear.events.length > 0)));
    assertEquals(taken.map(({ size, events }) => `${size} ${events[0]}`), Array(CROWD).fill("10 end"));
    for (const socket of connected) socket.destroy();
    await Promise.all([...taken, ...ears].map((ear) => ear.heard("closed")));
    await listener.close();
  });

  test(`Adapter (${name}) listens on IPv6`, { ignore: await lacksIPv6() }, async () => {
    const { promise: accepted, resolve } = deferred<Socket>();
    const listener = await adapter.listen({ host: "::1", port: 0 }, resolve);
    assert("host" in listener.address && listener.address.host === "::1" && listener.address.port > 0);
    const near = await adapter.connect(listener.address);
    const far = await accepted;
    const [ear, farEar] = [new Ear(near), new Ear(far)];
    near.write(content(10));
    await farEar.until(() => farEar.size === 10);
    near.destroy();
    far.destroy();
    await Promise.all([ear.heard("closed"), farEar.heard("closed"), listener.close()]);
  });

  test(`Adapter (${name}) fails to connect where nobody listens`, async () => {
    const listener = await adapter.listen({ host: "127.0.0.1", port: 0 }, () => {});
    await listener.close();
    await using directory = await tempDir();
    for (const address of [listener.address, { path: directory.file("none") }]) {
      let failed = false;
      await adapter.connect(address).catch(() => failed = true);
      assert(failed);
    }
  });
}

async function lacksIPv6(): Promise<string | false> {
  const { networkInterfaces } = await import("node:os");
  const all = Object.values(networkInterfaces()).flat();
  return all.some((one) => one?.address === "::1") ? false : "this machine has no IPv6";
}
