/** Bytes that no MTA sends, over a real socket: they end that one connection, and nothing else. */

import { accept, type ErrorCode, type LogEntry, MilterError, serve, type ServeOptions } from "../../mod.ts";
import { encodeCommand } from "../../src/protocol/mod.ts";
import { concat, frame, latin1 } from "../bytes.ts";
import { assert, assertEquals, test } from "../harness.ts";
import { commandOf, CONVERSATION, GREETING, type Line, MESSAGE } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { unheard } from "../rejections.ts";
import { socketWire } from "../wires.ts";

/** The bytes of commands. */
function commands(...lines: readonly Line[]): Uint8Array {
  return concat(lines.map((line) => encodeCommand(commandOf(line))));
}

function packet(text: string): Uint8Array {
  return frame(latin1(text));
}

const OFFER = commands("negotiate");
const IN_MESSAGE = commands("negotiate", ...GREETING, ...MESSAGE.slice(0, 3));

const BAD: readonly {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
}[] = [
  { what: "a length of 0", bytes: latin1("\0\0\0\0"), code: "FRAME" },
  { what: "a length of 0 within a message", bytes: concat([IN_MESSAGE, latin1("\0\0\0\0")]), code: "FRAME" },
  { what: "a length of 4 GB", bytes: latin1("\xff\xff\xff\xffO"), code: "LIMIT" },
  { what: "a length over the limit", bytes: latin1("\0\x10\0\x01B"), code: "LIMIT" },
  { what: "an HTTP request", bytes: latin1("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), code: "FRAME" },
  { what: "a TLS hello", bytes: latin1("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), code: "FRAME" },
  { what: "an SMTP greeting", bytes: latin1("EHLO client.example\r\n"), code: "FRAME" },
  { what: "nothing at all, and silence", bytes: new Uint8Array(0), code: "TIMEOUT" },
  { what: "a cut length, and silence", bytes: latin1("\0\0"), code: "TIMEOUT" },
  { what: "a cut packet, and silence", bytes: OFFER.subarray(0, 9), code: "TIMEOUT" },
  {
    what: "a cut packet within a message, and silence",
    bytes: concat([IN_MESSAGE, latin1("\0\0\0\x09Lname")]),
    code: "TIMEOUT",
  },
  { what: "a message before the negotiation", bytes: commands("mail"), code: "ORDER" },
  { what: "a header before MAIL", bytes: commands("negotiate", ...GREETING, "header"), code: "ORDER" },
  { what: "a body before the headers", bytes: concat([IN_MESSAGE, commands("body")]), code: "ORDER" },
  { what: "a second negotiation", bytes: commands("negotiate", "negotiate"), code: "ORDER" },
  { what: "a second CONNECT", bytes: commands("negotiate", "connect", "connect"), code: "ORDER" },
  { what: "an unknown command byte", bytes: concat([OFFER, packet("Z")]), code: "MESSAGE" },
  {
    what: "a HELO without its NUL",
    bytes: concat([OFFER, commands("connect"), packet("Hname")]),
    code: "MESSAGE",
  },
  { what: "a CONNECT of no known family", bytes: concat([OFFER, packet("Cname\0X")]), code: "MESSAGE" },
  { what: "a CONNECT that is cut short", bytes: concat([OFFER, packet("Cname\x004\0")]), code: "MESSAGE" },
  { what: "bytes left over", bytes: concat([IN_MESSAGE, packet("Lname\0value\0more")]), code: "MESSAGE" },
  { what: "a DATA with data", bytes: concat([IN_MESSAGE, packet("Tdata")]), code: "MESSAGE" },
  { what: "a negotiation that is cut short", bytes: packet("O\0\0\0\x06"), code: "MESSAGE" },
  {
    what: "a negotiation of version 1",
    bytes: packet("O\0\0\0\x01\0\0\0\x0f\0\0\0\x3f"),
    code: "NEGOTIATION",
  },
  { what: "a negotiation of version 0", bytes: packet("O\0\0\0\0\0\0\0\0\0\0\0\0"), code: "NEGOTIATION" },
];

/** A server that keeps what it logs, and has little patience. */
async function serveAndLog(logs: LogEntry[], options: Partial<ServeOptions> = {}) {
  return await serve(async (session) => {
    await session.endOfMessage();
    return accept();
  }, { listen: "inet:0@127.0.0.1", log: (entry) => logs.push(entry), ...options });
}

for (const { what, bytes, code } of BAD) {
  test(`Server closes a connection that says ${what}, and no other`, async () => {
    const logs: LogEntry[] = [];
    const errors = await unheard(async () => {
      await using server = await serveAndLog(logs, code === "TIMEOUT" ? { timeouts: { packet: 200 } } : {});
      // What is good is answered before the bad is refused.
      const wire = await socketWire(server.address);
      if (code !== "TIMEOUT") {
        await using before = new MtaPlayer(await socketWire(server.address));
        await before.negotiate();
        await before.play(CONVERSATION.slice(0, 4));
        wire.write(bytes);
        while (await wire.read() !== undefined);
        assertEquals((await before.play(CONVERSATION.slice(4))).at(-1), "endOfMessage: accept");
      } else {
        wire.write(bytes);
        while (await wire.read() !== undefined);
      }
      await wire.close();
      await using after = new MtaPlayer(await socketWire(server.address));
      await after.negotiate();
      assertEquals((await after.play(CONVERSATION)).at(-1), "endOfMessage: accept");
    });
    assertEquals(errors, []);
    const [entry, ...more] = logs.filter(({ level }) => level !== "debug");
    assertEquals([entry?.level, more], ["warning", []]);
    assert(entry?.error instanceof MilterError);
    assertEquals([entry.error.code, entry.error.side], [code, "peer"]);
    assert(entry.peer?.includes("127.0.0.1:"), entry.peer);
  });
}

/** Where a peer may go, and what is logged if it closes its side there. */
const GOING: readonly (readonly [what: string, bytes: Uint8Array, code?: ErrorCode])[] = [
  ["without a word", new Uint8Array(0)],
  ["within a length", latin1("\0\0"), "FRAME"],
  ["within a packet", OFFER.subarray(0, 9), "FRAME"],
  ["after the negotiation", OFFER],
  ["within a message", IN_MESSAGE],
  ["within a packet of a message", concat([IN_MESSAGE, latin1("\0\0\0\x09Lname")]), "FRAME"],
];

for (const [what, bytes, code] of GOING) {
  test(`Server goes on when a peer closes or resets ${what}`, async () => {
    for (const end of ["end", "reset", "close"] as const) {
      const logs: LogEntry[] = [];
      const errors = await unheard(async () => {
        await using server = await serveAndLog(logs);
        const wire = await socketWire(server.address);
        wire.write(bytes);
        if (bytes.length >= OFFER.length) await wire.read();
        await wire[end]();
        if (end === "end") { while (await wire.read() !== undefined); }
        await wire.close();
        await using after = new MtaPlayer(await socketWire(server.address));
        await after.negotiate();
        assertEquals((await after.play(CONVERSATION)).at(-1), "endOfMessage: accept");
      });
      const codes = logs.map(({ level, error }) => [level, error instanceof MilterError && error.code]);
      assertEquals(errors, []);
      if (end === "end") assertEquals(codes, code === undefined ? [] : [["warning", code]]);
      else assert(codes.every(([level]) => level !== "error"), `${end}: ${codes}`);
    }
  });
}
