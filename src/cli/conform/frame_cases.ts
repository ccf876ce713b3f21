import { encodeCommand } from "../../protocol/codec.ts";
import { latin1, mustNotHang, mustRefuse, packet } from "./bad_input.ts";
import type { Case } from "./case.ts";
import {
  ABORT,
  connect,
  DATA,
  END_OF_HEADERS,
  greeting,
  HEADERS,
  helo,
  mail,
  message,
  rcpt,
  withoutMacros,
} from "./samples.ts";
import { USUAL_OFFER } from "./stand.ts";
import { WHOLE } from "./talk.ts";

const SPLIT = "TCP keeps no borders: frames come split and joined at any byte";
const STALLS = "a loaded MTA takes seconds, and milters are to be generous";
const REFUSE = "such a frame is to be refused by a close; libmilter does so";

/** How long a stalled MTA says nothing, in milliseconds. */
const STALL = 1200;

/** A short mail, of which every frame is cut at every place. */
const SHORT = withoutMacros(
  message({ mail: mail("<>"), rcpts: [rcpt("<a@b.example>")], headers: HEADERS.slice(1, 3) }),
);

/** What comes before a command within a message. */
const IN_MESSAGE = [...greeting(), mail(), rcpt(), DATA];

function cutAt(at: number): (frame: Uint8Array) => readonly Uint8Array[] {
  return (frame) => Math.abs(at) < frame.length ? [frame.subarray(0, at), frame.subarray(at)] : [frame];
}

/** How frames are cut, joined and delayed. */
export const SPLIT_CASES: readonly Case[] = [
  {
    name: "byte-by-byte",
    about: "every byte in a segment of its own",
    rule: SPLIT,
    async play(stand) {
      const talk = await stand.open();
      talk.cut = (frame) => Array.from(frame, (_, at) => frame.subarray(at, at + 1));
      await talk.play([...greeting(), ...SHORT]);
      await talk.finish();
    },
  },
  {
    name: "every-split",
    about: "every frame in two pieces, cut at every byte",
    rule: SPLIT,
    async play(stand) {
      const talk = await stand.greeted();
      const longest = Math.max(...SHORT.map((said) => encodeCommand(said).length));
      for (let at = 1; at < longest; at++) {
        talk.cut = cutAt(at);
        await talk.play(SHORT);
      }
      talk.cut = WHOLE;
      await talk.finish();
    },
  },
  {
    name: "joined",
    about: "ABORT, macros and the next MAIL in one segment",
    rule: "Postfix writes them so",
    async play(stand) {
      const talk = await stand.greeted();
      await talk.reach("rcpt", message());
      talk.gathers = true;
      await talk.say(ABORT);
      await talk.play(message());
      await talk.finish();
    },
  },
  {
    name: "one-and-a-half",
    about: "macros and a part of their command in one segment, then the rest",
    rule: SPLIT,
    async play(stand) {
      const talk = await stand.open();
      talk.cut = cutAt(-3);
      talk.gap = 5;
      await talk.play([...greeting(), ...message()]);
      talk.cut = WHOLE;
      await talk.finish();
    },
  },
  {
    name: "stalled-frame",
    about: `silence for ${STALL / 1000} s within a frame, then on`,
    rule: STALLS,
    async play(stand) {
      const talk = await stand.greeted();
      talk.cut = cutAt(7);
      talk.gap = STALL;
      const [sender, ...others] = withoutMacros(message());
      await talk.play([sender!]);
      talk.cut = WHOLE;
      await talk.play(others);
      await talk.finish();
    },
  },
  {
    name: "stalled-length",
    about: `silence for ${STALL / 1000} s within a length, then on`,
    rule: STALLS,
    async play(stand) {
      const talk = await stand.open();
      talk.cut = cutAt(2);
      talk.gap = STALL;
      await talk.play([connect()]);
      talk.cut = WHOLE;
      await talk.play(message());
      await talk.finish();
    },
  },
];

/** Frames that are none. */
export const BROKEN_FRAME_CASES: readonly Case[] = [
  {
    name: "length-zero",
    about: "a frame of length 0, without even a command, and a good one after it",
    rule: REFUSE,
    play: (stand) =>
      mustRefuse(stand, [
        { what: "a length of 0 at once", bytes: latin1("\0\0\0\0"), then: USUAL_OFFER },
        { what: "a length of 0", bytes: latin1("\0\0\0\0"), after: [connect()], then: helo() },
      ]),
  },
  {
    name: "length-huge",
    about: "a frame of 2 and of 4 GB",
    rule: "a length is checked before memory is taken, and refused by a close",
    play: (stand) =>
      mustRefuse(stand, [
        { what: "a length of 4 GB at once", bytes: latin1("\xff\xff\xff\xffO") },
        { what: "a length of 4 GB", bytes: latin1("\xff\xff\xff\xffL"), after: IN_MESSAGE },
        { what: "a length of 2 GB", bytes: latin1("\x80\0\0\0B"), after: IN_MESSAGE },
        { what: "a length of 2 GB - 1", bytes: latin1("\x7f\xff\xff\xffB"), after: IN_MESSAGE },
      ]),
  },
  {
    name: "strangers",
    about: "an HTTP request, a TLS hello, an SMTP greeting",
    rule: "whoever finds the port reads as a huge length, and is refused by a close",
    play: (stand) =>
      mustRefuse(stand, [
        { what: "an HTTP request", bytes: latin1("GET / HTTP/1.1\r\nHost: milter.example\r\n\r\n") },
        { what: "a TLS hello", bytes: latin1("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03") },
        { what: "an SMTP greeting", bytes: latin1("EHLO client.example\r\n") },
      ]),
  },
  {
    name: "cut-frame",
    about: "half a frame, then the MTA closes its side",
    rule: "what is not whole never comes: the milter closes too",
    async play(stand) {
      for (const size of [2, 9]) {
        const wire = await stand.connect();
        wire.write(packet("O\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff").subarray(0, size));
        wire.end();
        await wire.read("does not close after the MTA did within a frame");
      }
      const talk = await stand.greeted();
      talk.wire.write(packet("Msender").subarray(0, 8));
      talk.wire.end();
      await talk.expectEnd("does not close after the MTA did within a frame");
      await stand.serves();
    },
  },
  {
    name: "unknown-code",
    about: "a command that does not exist",
    rule: "a milter that knows no such command closes, or refuses",
    play: (stand) =>
      mustRefuse(stand, [
        { what: "a command Z", bytes: packet("Z"), after: greeting() },
        { what: "a command 0xff", bytes: packet("\xffdata\0"), after: IN_MESSAGE },
      ]),
  },
  {
    name: "no-nul",
    about: "a field without its NUL at the end",
    rule: "reading on to a NUL reads what is no part of the frame",
    play: (stand) =>
      mustRefuse(stand, [
        { what: "a HELO without its NUL", bytes: packet("Hname"), after: [connect()], as: "helo" },
        { what: "a MAIL without its NUL", bytes: packet("M<a@b.example>"), after: greeting(), as: "mail" },
        { what: "a header without its NUL", bytes: packet("LName\0value"), after: IN_MESSAGE, as: "header" },
        { what: "a header without a value", bytes: packet("LName\0"), after: IN_MESSAGE, as: "header" },
      ]),
  },
  {
    name: "no-fields",
    about: "a command without any of its fields",
    rule: "what must be there is missing: the milter closes, or refuses",
    play: (stand) =>
      mustRefuse(stand, [
        { what: "a bare CONNECT", bytes: packet("C"), after: [], as: "connect" },
        { what: "a bare HELO", bytes: packet("H"), after: [connect()], as: "helo" },
        { what: "a bare MAIL", bytes: packet("M"), after: greeting(), as: "mail" },
        { what: "a bare header", bytes: packet("L"), after: IN_MESSAGE, as: "header" },
      ]),
  },
  {
    name: "broken-connect",
    about: "CONNECT cut short, and of no known family",
    rule: "what is broken is to be refused by a close, or by an answer",
    play: (stand) =>
      mustRefuse(stand, [
        { what: "a CONNECT with half a port", bytes: packet("Cname\x004\0"), after: [], as: "connect" },
        {
          what: "a CONNECT of no known family",
          bytes: packet("Cname\0X\0\x19name\0"),
          after: [],
          as: "connect",
        },
      ]),
  },
  {
    name: "broken-address",
    about: "clients without an address where one should be, or with a broken one",
    rule: "close, refuse or answer, but do not hang",
    play: (stand) =>
      mustNotHang(
        stand,
        [
          connect({ hostname: "", port: 0, address: "" }),
          connect({ family: "inet6", port: 65535, address: "not:an:address" }),
          connect({ port: 0, address: "999.1.1.1" }),
        ].map((client) => ({
          what: "a client with a broken address",
          bytes: encodeCommand(client),
          after: [],
          as: "connect",
        })),
      ),
  },
  {
    name: "empty-parts",
    about: "a header without a name, a chunk of body without a byte",
    rule: "close, refuse or answer, but do not hang",
    play: (stand) =>
      mustNotHang(stand, [
        { what: "a header without a name", bytes: packet("L\0value\0"), after: IN_MESSAGE, as: "header" },
        { what: "an empty header", bytes: packet("L\0\0"), after: IN_MESSAGE, as: "header" },
        { what: "an empty chunk", bytes: packet("B"), after: [...IN_MESSAGE, END_OF_HEADERS], as: "body" },
      ]),
  },
  {
    name: "bytes-left",
    about: "more bytes than the fields of a command",
    rule: "to refuse is best; to read over them does no harm, to hang does",
    play: (stand) =>
      mustNotHang(stand, [
        {
          what: "a header with a third field",
          bytes: packet("LName\0value\0more\0"),
          after: IN_MESSAGE,
          as: "header",
        },
        {
          what: "a HELO with a second field",
          bytes: packet("Hname\0more\0"),
          after: [connect()],
          as: "helo",
        },
        {
          what: "an end of headers with data",
          bytes: packet("Ndata"),
          after: IN_MESSAGE,
          as: "endOfHeaders",
        },
      ]),
  },
  {
    name: "random-bytes",
    about: "bytes of no sense within a message",
    rule: REFUSE,
    play: (stand) =>
      mustRefuse(
        stand,
        [0x31, 0x7a, 0xc3].map((seed) => ({
          what: "random bytes",
          bytes: noise(seed),
          after: [...IN_MESSAGE, ...HEADERS],
        })),
      ),
  },
];

/** Bytes that are the same each time; the first is so large that no length is small. */
function noise(seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: 512 }, (_, at) => {
    state = (state * 1103515245 + 12345) % 0x80000000;
    return at === 0 ? 0x80 | seed : state >>> 16;
  });
}
