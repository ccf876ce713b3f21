/**
 * A small milter over `node:net`, made of nothing of ours, that does all right unless it is told not to: for
 * `kilter conform` to find out.
 */

import { createServer, type Server, type Socket } from "node:net";
import { concat, frame, latin1 } from "../../bytes.ts";

/** A packet from the MTA. */
export interface Packet {
  readonly code: string;
  readonly data: Uint8Array;
  /** The data, a character for each byte. */
  readonly text: string;
}

/** The negotiation, either way. */
export interface Terms {
  readonly version: number;
  readonly actions: number;
  readonly protocol: number;
  /** What stands behind them, a character for each byte. */
  readonly more: string;
}

/** A connection, as a quirk may look at it. */
export interface Line {
  readonly socket: Socket;
  /** What waits to be cut into packets. */
  pending: Uint8Array;
  /** The codes of all commands so far, macros too: `ODCDHDM`. */
  codes: string;
  terms: Terms | undefined;
  /** Whether it still looks at what comes. */
  deaf: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** What answers a command: packets, a character for each byte; or the end of it all. */
export type Answer = readonly string[] | "close" | "hang";

/** What it does in another way than is right. */
export interface Quirks {
  /** The actions and flags that it asks for, of those that were offered; and its macro lists. */
  readonly wish?: Partial<Terms>;
  /** What it agrees to. */
  readonly agree?: (offered: Terms, right: Terms) => Terms | "close";
  /** What it says to a command; `right` is what it should say, and "close" what is broken or QUIT. */
  readonly answer?: (packet: Packet, right: Answer, line: Line) => Answer;
  /** How it cuts what has come into packets, of which "broken" ends the connection. */
  readonly cut?: (line: Line, chunk: Uint8Array) => Iterable<Packet | "broken">;
  /** The most bytes of a packet. */
  readonly limit?: number;
  /** How many milliseconds it waits for the rest of a packet. */
  readonly patience?: number;
  /** What it does when the MTA has closed its side; it should close too. */
  readonly ended?: (line: Line) => void;
  /** What it does with a new connection, before it reads: the number counts them. */
  readonly connected?: (line: Line, number: number, server: Server) => void;
}

/** A milter that listens. */
export interface RawMilter extends AsyncDisposable {
  /** Its address, as the command takes it. */
  readonly address: string;
}

/** The flag under which a command is not answered. */
const SILENT: Readonly<Record<string, number>> = {
  ...{ C: 0x1000, H: 0x2000, M: 0x4000, R: 0x8000, T: 0x10000, L: 0x80, N: 0x40000, B: 0x80000, U: 0x20000 },
};

/** How the data of a command must look; of other commands there are none. */
const FORMS: Readonly<Record<string, RegExp>> = {
  C: /^[^\0]*\0(?:U|[L46][^]{2}[^\0]*\0)$/,
  H: /^[^\0]*\0$/,
  M: /^(?:[^\0]*\0)+$/,
  R: /^(?:[^\0]*\0)+$/,
  T: /^$/,
  L: /^[^\0]*\0[^\0]*\0$/,
  N: /^/,
  B: /^/,
  E: /^/,
  U: /^[^\0]*\0$/,
  D: /^/,
  A: /^$/,
  Q: /^$/,
  K: /^$/,
};

/** Starts one. */
export async function rawMilter(quirks: Quirks = {}): Promise<RawMilter> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    const line: Line = {
      socket,
      pending: new Uint8Array(0),
      codes: "",
      terms: undefined,
      deaf: false,
      timer: undefined,
    };
    socket.on("error", () => {}).on("close", () => {
      clearTimeout(line.timer);
      sockets.delete(socket);
    });
    socket.on("end", () => quirks.ended === undefined ? socket.end() : quirks.ended(line));
    socket.on("data", (chunk: Uint8Array) => serve(line, new Uint8Array(chunk), quirks));
    quirks.connected?.(line, ++count, server);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const port = typeof bound === "object" ? bound?.port : undefined;
  return {
    address: `inet:${port}@127.0.0.1`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function serve(line: Line, chunk: Uint8Array, quirks: Quirks): void {
  clearTimeout(line.timer);
  if (line.deaf) return;
  for (const packet of (quirks.cut ?? packets(quirks.limit))(line, chunk)) {
    const right = packet === "broken" ? "close" : rightAnswer(packet, line, quirks);
    const answer = packet === "broken" ? right : quirks.answer?.(packet, right, line) ?? right;
    if (packet !== "broken") line.codes += packet.code;
    if (answer === "close") line.socket.end();
    if (answer === "close" || answer === "hang") return void (line.deaf = true);
    if (answer.length > 0) line.socket.write(concat(answer.map((said) => frame(latin1(said)))));
  }
  if (quirks.patience !== undefined && line.pending.length > 0) {
    line.timer = setTimeout(() => line.socket.end(), quirks.patience);
  }
}

/** Cuts as is right. */
export function packets(limit: number = 1024 * 1024 + 1): NonNullable<Quirks["cut"]> {
  return function* (line, chunk) {
    line.pending = concat([line.pending, chunk]);
    while (line.pending.length >= 4) {
      const { buffer, byteOffset } = line.pending;
      const length = new DataView(buffer, byteOffset).getUint32(0);
      if (length === 0 || length > limit) return yield "broken";
      if (line.pending.length < 4 + length) return;
      const packet = packetOf(line.pending.slice(4, 4 + length));
      line.pending = line.pending.slice(4 + length);
      yield packet;
    }
  };
}

/** A packet of these bytes, its code first. */
export function packetOf(bytes: Uint8Array): Packet {
  const data = bytes.slice(1);
  return {
    code: String.fromCharCode(bytes[0] ?? 0),
    data,
    get text() {
      return Array.from(data, (byte) => String.fromCharCode(byte)).join("");
    },
  };
}

function rightAnswer({ code, data, text }: Packet, line: Line, { wish = {}, agree }: Quirks): Answer {
  if (code === "O") {
    const offered = termsOf(data);
    if (offered === undefined || offered.version < 2) return "close";
    const right = {
      version: Math.min(offered.version, 6),
      actions: offered.actions & (wish.actions ?? 0),
      protocol: offered.protocol & (wish.protocol ?? 0),
      more: wish.more ?? "",
    };
    const terms = agree?.(offered, right) ?? right;
    if (terms === "close") return terms;
    line.terms = terms;
    return [saidOf(terms)];
  }
  // Bodies are long, and may be anything.
  if (FORMS[code]?.test(code === "B" || code === "E" ? "" : text) !== true || code === "Q") return "close";
  if ("DAK".includes(code)) return [];
  return ((line.terms?.protocol ?? 0) & (SILENT[code] ?? 0)) === 0 ? ["c"] : [];
}

/** The terms of an offer; `undefined` if it is too short. */
export function termsOf(data: Uint8Array): Terms | undefined {
  if (data.length < 12) return undefined;
  const view = new DataView(data.buffer, data.byteOffset);
  return {
    version: view.getUint32(0),
    actions: view.getUint32(4),
    protocol: view.getUint32(8),
    more: packetOf(concat([latin1("O"), data.slice(12)])).text,
  };
}

/** The packet that says these terms. */
export function saidOf({ version, actions, protocol, more }: Terms): string {
  const u32 = (value: number) => String.fromCharCode(...[24, 16, 8, 0].map((bits) => value >>> bits & 0xff));
  return `O${u32(version)}${u32(actions)}${u32(protocol)}${more}`;
}
