/** Milters that do all right but one thing, one for each case of `kilter conform`. */

import { concat, latin1 } from "../../bytes.ts";
import { type Answer, type Line, type Packet, packetOf, packets, type Quirks } from "./raw_milter.ts";

/** A milter with one fault. */
export interface BrokenMilter {
  /** The case that must find it. */
  readonly found: string;
  /** What it does wrong. */
  readonly fault: string;
  readonly quirks: Quirks;
  /** What the case must say of it. */
  readonly says: RegExp;
}

/** The codes of the commands so far, without macros. */
function commands({ codes }: Line): string {
  return codes.replaceAll("D", "");
}

/** Answers as is right, but where this tells otherwise. */
function but(tells: (packet: Packet, line: Line) => Answer | false | undefined): Quirks {
  return { answer: (packet, right, line) => tells(packet, line) || right };
}

/** Closes where a command is like this. */
function closesAt(is: (packet: Packet, line: Line) => boolean): Quirks {
  return but((packet, line) => is(packet, line) && "close");
}

/** Answers no more where a command is like this. */
function hangsAt(is: (packet: Packet, line: Line) => boolean): Quirks {
  return but((packet, line) => is(packet, line) && "hang");
}

/** Agrees to what is right, with some changes. */
function agreesTo(change: object): Quirks {
  return { agree: (_, right) => ({ ...right, ...change }) };
}

const ADD_HEADERS = 0x1;
const CHANGE_BODY = 0x2;
const NO_HELO = 0x2;
const NO_REPLY_TO_HELO = 0x2000;
const NO_REPLY_TO_HEADERS = 0x80;

const edits: Quirks["wish"] = { actions: ADD_HEADERS | CHANGE_BODY };

export const BROKEN_MILTERS: readonly BrokenMilter[] = [
  // Negotiation
  ...[2, 3, 4, 5].map((version) => ({
    found: `version-${version}`,
    fault: "answers version 6 to any",
    quirks: agreesTo({ version: 6 }),
    says: new RegExp(`speaks version 6, this MTA 2 to ${version}`),
  })),
  ...[6, 7].map((version): BrokenMilter => ({
    found: `version-${version}`,
    fault: `refuses version ${version}`,
    quirks: { agree: (offered, right) => offered.version === version ? "close" : right },
    says: /closes instead of answering the offer/,
  })),
  {
    found: "version-1",
    fault: "agrees with anybody",
    quirks: {
      answer: ({ code }, right) =>
        code === "O" && right === "close" ? ["O" + "\0\0\0\x06" + "\0".repeat(8)] : right,
    },
    says: /answers an offer of version 1 by negotiate/,
  },
  {
    found: "short-offer",
    fault: "takes what is missing for 0",
    quirks: but(({ code, data }) => code === "O" && data.length < 12 && ["O\0\0\0\x06" + "\0".repeat(8)]),
    says: /answers an offer of 4 bytes by negotiate/,
  },
  {
    found: "long-offer",
    fault: "wants 12 bytes and no more",
    quirks: { agree: (offered, right) => offered.more === "" ? right : "close" },
    says: /closes instead of answering the offer/,
  },
  {
    found: "second-offer",
    fault: "is stuck after a second offer",
    quirks: hangsAt(({ code }, { codes }) => code === "O" && codes.includes("O")),
    says: /hangs at a second offer/,
  },
  {
    found: "no-offer",
    fault: "is stuck after a command before the offer",
    quirks: hangsAt(({ code }, { codes }) => code !== "O" && codes === ""),
    says: /hangs at a MAIL before the offer/,
  },
  {
    found: "bare-offer",
    fault: "asks for all actions, whatever is offered",
    quirks: agreesTo({ actions: 0x1ff }),
    says: /asks for actions that were not offered: CHANGE_HEADERS/,
  },
  {
    found: "actions-offered",
    fault: "asks for quarantine, whatever is offered",
    quirks: agreesTo({ actions: 0x20 }),
    says: /offered actions 0x1df: asks for actions that were not offered: QUARANTINE/,
  },
  {
    found: "flags-offered",
    fault: "asks to be without unknown commands, whatever is offered",
    quirks: agreesTo({ protocol: 0x100 }),
    says: /offered protocol flags 0x1ffeff: asks for protocol flags that were not offered: NO_UNKNOWN/,
  },
  {
    found: "no-reply-offered",
    fault: "does not answer headers, whatever is agreed",
    quirks: { wish: { protocol: NO_REPLY_TO_HEADERS }, ...but(({ code }) => code === "L" && []) },
    says: /does not answer header within/,
  },
  {
    found: "no-reply-kept",
    fault: "answers HELO, though it agreed not to",
    quirks: { wish: { protocol: NO_REPLY_TO_HELO }, ...but(({ code }) => code === "H" && ["c"]) },
    says: /without being asked.*it agreed not to answer helo/,
  },
  {
    found: "left-out-kept",
    fault: "waits for the HELO that it agreed to be without",
    quirks: {
      wish: { protocol: NO_HELO },
      ...hangsAt(({ code }, { codes }) => code === "M" && !codes.includes("H")),
    },
    says: /does not answer mail within/,
  },
  {
    found: "sizes-offered",
    fault: "agrees to chunks of 1 MB, and has no room for them",
    quirks: { wish: { protocol: 0x20000000 }, limit: 65536 },
    says: /closes instead of answering body/,
  },
  {
    found: "macro-lists",
    fault: "asks for macros at a stage that does not exist",
    quirks: { wish: { more: "\0\0\0\x09i\0" } },
    says: /asks for macros at stage 9, which is none/,
  },
  // Conversations
  {
    found: "postfix",
    fault: "answers macros that have nothing in them",
    quirks: but(({ code, data }) => code === "D" && data.length === 1 && ["c"]),
    says: /says continue without being asked/,
  },
  {
    found: "sendmail",
    fault: "needs macros before DATA",
    quirks: hangsAt(({ code }, { codes }) => code === "T" && !codes.endsWith("D")),
    says: /does not answer data within/,
  },
  {
    found: "two-messages",
    fault: "closes at the second MAIL",
    quirks: closesAt(({ code }, { codes }) => code === "M" && codes.includes("M")),
    says: /closes instead of answering mail/,
  },
  {
    found: "many-messages",
    fault: "closes at the 20th MAIL",
    quirks: closesAt(({ code }, { codes }) => code === "M" && codes.split("M").length >= 20),
    says: /closes instead of answering mail/,
  },
  {
    found: "abort",
    fault: "takes ABORT for the end of the connection",
    quirks: closesAt(({ code }) => code === "A"),
    says: /closes instead of answering mail/,
  },
  {
    found: "double-abort",
    fault: "closes at a second ABORT",
    quirks: closesAt(({ code }, { codes }) => code === "A" && codes.endsWith("A")),
    says: /closes instead of answering mail/,
  },
  {
    found: "abort-before-mail",
    fault: "closes at an ABORT before any MAIL",
    quirks: closesAt(({ code }, { codes }) => code === "A" && !codes.includes("M")),
    says: /closes instead of answering/,
  },
  {
    found: "abort-after-end",
    fault: "closes at an ABORT after the end of a message",
    quirks: closesAt(({ code }, { codes }) => code === "A" && codes.endsWith("E")),
    says: /closes instead of answering mail/,
  },
  {
    found: "implied-abort",
    fault: "closes at a MAIL within a message",
    quirks: closesAt(({ code }, line) => code === "M" && /[MRTLNB]$/.test(commands(line))),
    says: /closes instead of answering mail/,
  },
  {
    found: "second-helo",
    fault: "closes at a second HELO",
    quirks: closesAt(({ code }, { codes }) => code === "H" && codes.includes("H")),
    says: /closes instead of answering helo/,
  },
  {
    found: "helo-in-mail",
    fault: "is stuck at a HELO within a message",
    quirks: hangsAt(({ code }, line) => code === "H" && /[MRTLNB]$/.test(commands(line))),
    says: /does not answer helo within/,
  },
  {
    found: "no-helo",
    fault: "wants a HELO before MAIL",
    quirks: closesAt(({ code }, { codes }) => code === "M" && !codes.includes("H")),
    says: /closes instead of answering mail/,
  },
  {
    found: "unknown-command",
    fault: "accepts unknown commands",
    quirks: but(({ code }) => code === "U" && ["a"]),
    says: /answers unknown by accept/,
  },
  {
    found: "out-of-order",
    fault: "is stuck at a body before MAIL",
    quirks: hangsAt(({ code }, { codes }) => code === "B" && !codes.includes("M")),
    says: /hangs at a body before MAIL/,
  },
  {
    found: "quit",
    fault: "waits for the MTA's close after QUIT",
    quirks: but(({ code }) => code === "Q" && []),
    says: /does not close after QUIT/,
  },
  {
    found: "quit-in-mail",
    fault: "answers a QUIT within a message",
    quirks: but(({ code }, line) => code === "Q" && /[MRTLNB]$/.test(commands(line)) && ["t"]),
    says: /says tempfail without being asked, after its answer to mail/,
  },
  {
    found: "new-connection",
    fault: "takes K for QUIT",
    quirks: closesAt(({ code }) => code === "K"),
    says: /closes instead of answering connect/,
  },
  {
    found: "new-connection-in-mail",
    fault: "is stuck at a CONNECT when K came within a message",
    quirks: hangsAt(({ code }, line) => code === "C" && /[MRTLNB]K$/.test(commands(line))),
    says: /does not answer connect within/,
  },
  {
    found: "close",
    fault: "does not close when the MTA does",
    quirks: { ended: () => {} },
    says: /does not close after the MTA did/,
  },
  {
    found: "close-at-once",
    fault: "is gone when a connection is cut",
    quirks: {
      connected({ socket }, _, server) {
        let ends = false;
        socket.on("data", (chunk) => ends ||= chunk.at(-1) === 0x51).on(
          "close",
          () => ends || server.close(),
        );
      },
    },
    says: /takes no more connections/,
  },
  {
    found: "half-close",
    fault: "drops its answer when the MTA closes its side",
    quirks: {
      ended: ({ socket }) => socket.destroy(),
      answer({ code }, right, line) {
        if (code !== "E") return right;
        line.timer = setTimeout(() => line.socket.write(latin1("\0\0\0\x01c")), 20);
        return [];
      },
    },
    says: /closes instead of answering end of message/,
  },
  // Answers
  {
    found: "one-answer",
    fault: "answers the end of a message twice",
    quirks: but(({ code }) => code === "E" && ["c", "a"]),
    says: /says accept without being asked, after its answer to end of message/,
  },
  {
    found: "unanswered",
    fault: "answers ABORT",
    quirks: but(({ code }) => code === "A" && ["c"]),
    says: /says continue without being asked/,
  },
  {
    found: "pipelined",
    fault: "takes no more than four packets of a segment",
    quirks: {
      wish: { protocol: NO_REPLY_TO_HEADERS },
      cut: function* (line, chunk) {
        let count = 0;
        for (const packet of packets()(line, chunk)) {
          if (++count > 4) return;
          yield packet;
        }
      },
    },
    says: /does not answer end of headers within/,
  },
  {
    found: "skip-place",
    fault: "skips a body without asking for it",
    quirks: but(({ code }) => code === "B" && ["s"]),
    says: /answers body by skip: SKIP was not negotiated/,
  },
  {
    found: "skip-place",
    fault: "skips headers",
    quirks: { wish: { protocol: 0x400 }, ...but(({ code }) => code === "L" && ["s"]) },
    says: /answers header by skip/,
  },
  {
    found: "edits-place",
    fault: "adds a header before the end of the message",
    quirks: { wish: edits, ...but(({ code }) => code === "N" && ["hX-A\0b\0", "c"]) },
    says: /answers end of headers by add header: it is no answer to that command/,
  },
  {
    found: "edits-form",
    fault: "adds a header with a line break that is no fold",
    quirks: { wish: edits, ...but(({ code }) => code === "E" && ["hX-A\0b\nX-B: c\0", "c"]) },
    says: /says add header X-A with a line break that is no fold/,
  },
  {
    found: "edits-form",
    fault: "adds a header with a colon in its name",
    quirks: { wish: edits, ...but(({ code }) => code === "E" && ["hX-A:\0b\0", "c"]) },
    says: /says add header with the name "X-A:"/,
  },
  {
    found: "edits-agreed",
    fault: "adds a header, though it asked for nothing",
    quirks: but(({ code }) => code === "E" && ["hX-A\0b\0", "c"]),
    says: /answers end of message by add header: ADD_HEADERS was not negotiated/,
  },
  {
    found: "body-together",
    fault: "has a header between the pieces of a new body",
    quirks: { wish: edits, ...but(({ code }) => code === "E" && ["bone\r\n", "hX-A\0b\0", "btwo\r\n", "c"]) },
    says: /add header stands between pieces of the body/,
  },
  {
    found: "progress-place",
    fault: "says PROGRESS before it answers MAIL",
    quirks: but(({ code }) => code === "M" && ["p", "c"]),
    says: /answers mail by progress/,
  },
  ...([
    ["2xx", "250 2.0.0 Fine\0", "its code 250 is neither 4xx nor 5xx"],
    ["no code", "Go away\0", "it does not start with a reply code"],
    ["another class", "550 4.7.1 No\0", "4.7.1 does not go with 550"],
    ["the code on the first line only", "550-No\r\nnever\0", "line 2 lacks the code 550"],
    ["a single %", "550 5.7.1 100% no\0", "says a single % in a reply"],
    ["no NUL", "550 5.7.1 No", "reply code"],
  ] as const).map(([what, text, says]): BrokenMilter => ({
    found: "reply-text",
    fault: `refuses by a text with ${what}`,
    quirks: but(({ code }) => code === "R" && [`y${text}`]),
    says: new RegExp(says),
  })),
  {
    found: "known-answers",
    fault: "answers RCPT by SHUTDOWN",
    quirks: but(({ code }) => code === "R" && ["4"]),
    says: /answers rcpt by shutdown/,
  },
  {
    found: "known-answers",
    fault: "answers by what does not exist",
    quirks: but(({ code }) => code === "R" && ["z"]),
    says: /sends a broken reply: there is none with the code 0x7a/,
  },
  {
    found: "known-answers",
    fault: "answers with data behind CONTINUE",
    quirks: but(({ code }) => code === "R" && ["c\0"]),
    says: /continue/,
  },
  // Mails
  {
    found: "no-body",
    fault: "wants a body",
    quirks: hangsAt(({ code }, line) => code === "E" && !commands(line).endsWith("B")),
    says: /does not answer end of message within/,
  },
  {
    found: "no-headers",
    fault: "wants headers",
    quirks: hangsAt(({ code }, line) => code === "N" && !commands(line).endsWith("L")),
    says: /does not answer end of headers within/,
  },
  {
    found: "empty-mail",
    fault: "wants headers or a body",
    quirks: closesAt(({ code }, line) => code === "E" && commands(line).endsWith("TN")),
    says: /closes instead of answering end of message/,
  },
  {
    found: "empty-header",
    fault: "wants a value in each header",
    quirks: closesAt(({ code, text }) => code === "L" && text.endsWith("\0\0")),
    says: /closes instead of answering header/,
  },
  {
    found: "last-chunk",
    fault: "wants an end of message without data",
    quirks: closesAt(({ code, data }) => code === "E" && data.length > 0),
    says: /closes instead of answering end of message/,
  },
  {
    found: "many-recipients",
    fault: "has room for 500 recipients",
    quirks: closesAt(({ code }, { codes }) => code === "R" && codes.split("R").length > 500),
    says: /closes instead of answering rcpt/,
  },
  {
    found: "many-headers",
    fault: "has room for 500 headers",
    quirks: closesAt(({ code }, { codes }) => code === "L" && codes.split("L").length > 500),
    says: /closes instead of answering header/,
  },
  {
    found: "long-header",
    fault: "has room for packets of 32 KB",
    quirks: { limit: 32768 },
    says: /closes instead of answering header/,
  },
  {
    found: "longest-header",
    fault: "has room for packets of 64 KB",
    quirks: { limit: 65536 },
    says: /closes instead of answering header/,
  },
  {
    found: "full-chunks",
    fault: "forgets that the length counts the command too",
    quirks: { limit: 65535 },
    says: /closes instead of answering body/,
  },
  {
    found: "odd-chunks",
    fault: "waits for the LF of a chunk that ends in CR",
    quirks: hangsAt(({ code, data }) => code === "B" && data.at(-1) === 0x0d),
    says: /does not answer body within/,
  },
  {
    found: "raw-bytes",
    fault: "takes a NUL for the end of a body",
    quirks: hangsAt(({ code, data }) => code === "B" && data[0] === 0),
    says: /does not answer body within/,
  },
  {
    found: "eight-bit",
    fault: "takes ASCII only",
    quirks: closesAt(({ code, text }) => code === "H" && /[\x80-\xff]/.test(text)),
    says: /closes instead of answering helo/,
  },
  {
    found: "null-sender",
    fault: "wants a sender",
    quirks: closesAt(({ code, text }) => code === "M" && text.startsWith("<>\0")),
    says: /closes instead of answering mail/,
  },
  {
    found: "addresses",
    fault: "wants brackets",
    quirks: closesAt(({ code, text }) => code === "R" && !text.startsWith("<")),
    says: /closes instead of answering rcpt/,
  },
  {
    found: "clients",
    fault: "wants an address of each client",
    quirks: closesAt(({ code, text }) => code === "C" && text.endsWith("\0U")),
    says: /closes instead of answering connect/,
  },
  {
    found: "client-unknown",
    fault: "wants an address that is one",
    quirks: closesAt(({ code, text }) => code === "C" && text.endsWith("unknown\0")),
    says: /closes instead of answering connect/,
  },
  {
    found: "refused-recipients",
    fault: "does not answer those that the MTA refuses",
    quirks: {
      wish: { protocol: 0x800 },
      ...hangsAt(({ code, text }) => code === "R" && text.startsWith("<nobody")),
    },
    says: /does not answer rcpt within/,
  },
  // Macros
  {
    found: "no-macros",
    fault: "wants macros before MAIL",
    quirks: hangsAt(({ code }, { codes }) => code === "M" && !codes.endsWith("D")),
    says: /does not answer mail within/,
  },
  {
    found: "empty-macros",
    fault: "wants something in its macros",
    quirks: closesAt(({ code, data }) => code === "D" && data.length === 1),
    says: /closes instead of answering/,
  },
  {
    found: "odd-macros",
    fault: "wants a value for each macro",
    quirks: closesAt(({ code, text }) => code === "D" && text.split("\0").length % 2 === 0),
    says: /closes instead of answering/,
  },
  {
    found: "cut-macros",
    fault: "wants a NUL behind each macro",
    quirks: closesAt(({ code, text }) => code === "D" && text.length > 1 && !text.endsWith("\0")),
    says: /closes instead of answering/,
  },
  {
    found: "nameless-macros",
    fault: "wants a name for each macro",
    quirks: closesAt(({ code, text }) => code === "D" && text[1] === "\0"),
    says: /closes instead of answering/,
  },
  {
    found: "many-macros",
    fault: "has room for 100 macros",
    quirks: closesAt(({ code, text }) => code === "D" && text.split("\0").length > 200),
    says: /closes instead of answering/,
  },
  {
    found: "unasked-macros",
    fault: "closes at macros for the HELO that it agreed to be without",
    quirks: {
      wish: { protocol: NO_HELO },
      ...closesAt(({ code, text }) => code === "D" && text.startsWith("H")),
    },
    says: /closes instead of answering mail/,
  },
  {
    found: "lonely-macros",
    fault: "closes at macros for the end of a message before MAIL",
    quirks: closesAt(({ code, text }, { codes }) =>
      code === "D" && text.startsWith("E") && !codes.includes("M")
    ),
    says: /closes instead of answering mail/,
  },
  {
    found: "strange-macros",
    fault: "closes at macros for a command that does not exist",
    quirks: closesAt(({ code, text }) => code === "D" && text.startsWith("Z")),
    says: /closes instead of answering connect/,
  },
  // Frames
  {
    found: "byte-by-byte",
    fault: "takes a segment for a packet",
    quirks: { cut: (_, chunk) => [chunk.length > 4 ? packetOf(chunk.slice(4)) : "broken" as const] },
    says: /closes instead of answering|does not answer|without being asked/,
  },
  {
    found: "every-split",
    fault: "drops a length that comes in pieces",
    quirks: {
      cut: function* (line, chunk) {
        if (line.pending.length === 0 && chunk.length < 4) return;
        yield* packets()(line, chunk);
      },
    },
    says: /closes instead of answering|does not answer/,
  },
  {
    found: "joined",
    fault: "drops what comes in one segment with ABORT",
    quirks: {
      cut: function* (line, chunk) {
        for (const packet of packets()(line, chunk)) {
          yield packet;
          if (packet !== "broken" && packet.code === "A") return void (line.pending = new Uint8Array(0));
        }
      },
    },
    says: /does not answer mail within/,
  },
  {
    found: "one-and-a-half",
    fault: "drops half a packet behind a whole one",
    quirks: {
      cut: function* (line, chunk) {
        const started = line.pending.length > 0;
        let count = 0;
        for (const packet of packets()(line, chunk)) {
          count++;
          yield packet;
        }
        if (count > 0 && !started) line.pending = new Uint8Array(0);
      },
    },
    says: /closes instead of answering|does not answer/,
  },
  ...["stalled-frame", "stalled-length"].map((found): BrokenMilter => ({
    found,
    fault: "waits 0.3 s for the rest of a packet, no longer",
    quirks: { patience: 300 },
    says: /closes instead of answering/,
  })),
  // Broken frames
  {
    found: "length-zero",
    fault: "reads over packets of nothing",
    quirks: {
      cut: function* (line, chunk) {
        line.pending = concat([line.pending, chunk]);
        while (line.pending.length >= 4 && line.pending.subarray(0, 4).every((byte) => byte === 0)) {
          line.pending = line.pending.slice(4);
        }
        yield* packets()(line, new Uint8Array(0));
      },
    },
    says: /answers a length of 0/,
  },
  ...["length-huge", "strangers", "random-bytes"].map((found): BrokenMilter => ({
    found,
    fault: "waits for as much as anybody says will come",
    quirks: { limit: 0xffffffff },
    says: /hangs at/,
  })),
  {
    found: "cut-frame",
    fault: "does not see the MTA close while it waits for the rest of a packet",
    quirks: { ended: ({ socket, pending }) => void (pending.length === 0 && socket.end()) },
    says: /does not close after the MTA did within a frame/,
  },
  {
    found: "unknown-code",
    fault: "passes over what it does not know",
    quirks: { answer: ({ code }, right) => "COHMRTLNBEUDAQK".includes(code) ? right : [] },
    says: /hangs at a command Z/,
  },
  {
    found: "no-nul",
    fault: "takes a field without its NUL",
    quirks: but(({ code, text }) => code === "M" && !text.endsWith("\0") && ["c"]),
    says: /answers a MAIL without its NUL by continue/,
  },
  {
    found: "no-fields",
    fault: "takes a HELO of nothing",
    quirks: but(({ code, text }) => code === "H" && text === "" && ["c"]),
    says: /answers a bare HELO by continue/,
  },
  {
    found: "broken-connect",
    fault: "takes any kind of client",
    quirks: but(({ code }) => code === "C" && ["c"]),
    says: /answers a CONNECT with half a port by continue/,
  },
  {
    found: "broken-address",
    fault: "is stuck at an empty address",
    quirks: hangsAt(({ code, text }) => code === "C" && text.startsWith("\x004") && text.endsWith("\0\0")),
    says: /hangs at a client with a broken address/,
  },
  {
    found: "empty-parts",
    fault: "is stuck at an empty chunk",
    quirks: hangsAt(({ code, data }) => code === "B" && data.length === 0),
    says: /hangs at an empty chunk/,
  },
  {
    found: "bytes-left",
    fault: "is stuck at an end of headers with data",
    quirks: hangsAt(({ code, data }) => code === "N" && data.length > 0),
    says: /hangs at an end of headers with data/,
  },
  // Connections
  {
    found: "ten-at-once",
    fault: "serves five connections at a time",
    quirks: { connected: ({ socket }, number) => void (number > 6 && socket.pause()) },
    says: /does not answer the offer within/,
  },
  {
    found: "silent-beside",
    fault: "is deaf while another is within a packet",
    quirks: waitsForOthers(),
    says: /does not answer .* within/,
  },
  {
    found: "bad-neighbour",
    fault: "closes all connections when one is broken",
    quirks: closesAll(),
    says: /closes instead of answering/,
  },
  {
    found: "come-and-go",
    fault: "takes 30 connections in its life",
    quirks: { connected: (_, number, server) => void (number > 30 && server.close()) },
    says: /takes no more connections/,
  },
];

/** Does not read while another connection is within a packet. */
function waitsForOthers(): Quirks {
  const lines = new Set<Line>();
  return {
    connected: (line) => {
      lines.add(line);
      line.socket.on("close", () => lines.delete(line));
    },
    cut: function* (line, chunk) {
      yield* packets()(line, chunk);
      if (line.pending.length > 0) { for (const other of lines) if (other !== line) other.deaf = true; }
      for (const other of lines) if (other !== line && other.pending.length > 0) line.deaf = true;
    },
  };
}

/** Ends all connections with the one that is broken. */
function closesAll(): Quirks {
  const lines = new Set<Line>();
  return {
    connected: (line) => {
      lines.add(line);
      line.socket.on("close", () => lines.delete(line));
    },
    cut: function* (line, chunk) {
      for (const packet of packets()(line, chunk)) {
        if (packet === "broken") { for (const { socket } of lines) socket.end(); }
        yield packet;
      }
    },
  };
}
