import type { CommandType } from "../../protocol/commands.ts";
import { PROTOCOL } from "../../protocol/flags.ts";
import { latin1 } from "./bad_input.ts";
import { type Case, NotApplicable } from "./case.ts";
import {
  body,
  connect,
  endOfMessage,
  greeting,
  header,
  HEADERS,
  helo,
  macros,
  mail,
  message,
  type Parts,
  rcpt,
  type Said,
  unknown,
} from "./samples.ts";
import { NO_SKIP } from "./stand.ts";

const ANSWERED = "each is answered once, whatever it holds";

/** A case that plays a mail with unusual parts, and needs the milter to see one of them. */
function mailCase(
  name: string,
  about: string,
  rule: string,
  needs: CommandType,
  parts: () => Parts,
): Case {
  return {
    name,
    about,
    rule,
    async play(stand) {
      const talk = await stand.greeted(NO_SKIP);
      await talk.play(message(parts()));
      talk.need(needs);
      await talk.finish();
    },
  };
}

/** Bytes from 0x80 on, all of them: no UTF-8. */
const HIGH = Array.from({ length: 128 }, (_, at) => String.fromCharCode(at + 128)).join("");

/** A line of 72 characters and its end, so often that it has so many bytes. */
function lines(size: number): Uint8Array {
  return latin1(`${"x".repeat(72)}\r\n`.repeat(Math.ceil(size / 74)).slice(0, size));
}

function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

/** Mails that are not as usual, and all of which may come. */
export const MAIL_CASES: readonly Case[] = [
  mailCase("no-body", "a mail without a body", "then no chunk comes at all", "endOfMessage", () => ({
    chunks: [],
  })),
  mailCase(
    "no-headers",
    "a mail without headers",
    "then the end of headers comes at once",
    "endOfMessage",
    () => ({
      headers: [],
    }),
  ),
  mailCase("empty-mail", "a mail of nothing", "neither headers nor a body must come", "endOfMessage", () => ({
    headers: [],
    chunks: [],
  })),
  mailCase("empty-header", "headers without a value, or without a name", "both occur", "header", () => ({
    headers: [
      ...HEADERS,
      header("X-Empty", ""),
      header("X-Space", " "),
      header("", " value"),
      header("", ""),
    ],
  })),
  {
    name: "eight-bit",
    about: "bytes that are no ASCII and no UTF-8, in every text",
    rule: ANSWERED,
    async play(stand) {
      const talk = await stand.open(NO_SKIP);
      const high = latin1(HIGH);
      const values = latin1(`{auth_authen}\0${HIGH}\0${HIGH}\0x\0`);
      const before = (stage: string): Said => ({ type: "macros", stage, definitions: values });
      await talk.play([
        before("C"),
        connect({ hostname: high }),
        before("H"),
        helo(high),
        unknown(high),
        before("M"),
        mail(latin1(`<${HIGH}@example.com>`), latin1(`X=${HIGH}`)),
        before("R"),
        ...message({
          rcpts: [rcpt(latin1(`<${HIGH}@example.com>`), high), rcpt()],
          headers: [...HEADERS, header("X-High", high), header(high, high)],
          chunks: [body(high), body(latin1("\xc3"))],
        }).slice(2),
      ]);
      await talk.finish();
    },
  },
  mailCase(
    "last-chunk",
    "a chunk of body in the end of message",
    "MTAs but Postfix and Sendmail do so",
    "endOfMessage",
    () => ({
      chunks: [],
      end: endOfMessage("The only chunk.\r\n"),
    }),
  ),
  mailCase("many-recipients", "1000 recipients", ANSWERED, "rcpt", () => ({
    rcpts: times(1000, (at) => rcpt(`<user${at}@example.com>`)),
  })),
  mailCase("many-headers", "2000 headers", ANSWERED, "header", () => ({
    headers: [...HEADERS, ...times(2000, (at) => header(`X-Number-${at}`, ` value ${at}`))],
  })),
  mailCase(
    "long-header",
    "a header of 59 KB",
    "Sendmail takes headers of 32 KB, Postfix of 100 KB",
    "header",
    () => ({
      headers: [...HEADERS, header("X-Long", ` ${"word\n ".repeat(10_000)}end`)],
    }),
  ),
  mailCase(
    "longest-header",
    "a header of 100 KB",
    "Postfix sends such a header in one frame",
    "header",
    () => ({
      headers: [...HEADERS, header("X-Longest", ` ${"word\n ".repeat(16_800)}end`)],
    }),
  ),
  mailCase(
    "full-chunks",
    "a body of 1 MB in chunks of 65,535 bytes",
    "the usual largest size: MILTER_CHUNK_SIZE",
    "body",
    () => ({
      chunks: times(16, () => body(lines(65_535))),
    }),
  ),
  mailCase(
    "odd-chunks",
    "chunks of one byte and of none, cut between CR and LF",
    "chunks are cut anywhere",
    "body",
    () => ({
      chunks: [..."Line\r\n\r\n.\r\n", "", "\r", "\n", ""].map((chunk) => body(chunk)),
    }),
  ),
  mailCase(
    "raw-bytes",
    "NUL, bare CR and bare LF in a body, and lines without end",
    "a body is bytes",
    "body",
    () => ({
      chunks: [
        body(latin1("\0a\rb\nc\0")),
        body(latin1("\n\r\r\n\0")),
        body(new Uint8Array(5000).fill(0x41)),
      ],
    }),
  ),
  {
    name: "clients",
    about: "clients by IPv6, a Unix socket, of no address, of a broken one",
    rule: "Postfix and Sendmail write them so; an address never fails a session",
    async play(stand) {
      const clients = [
        connect({ hostname: "localhost", family: "unknown", port: undefined, address: undefined }),
        connect({ hostname: "localhost", family: "unix", port: 0, address: "/run/mta.sock" }),
        connect({ hostname: "[IPv6:::1]", family: "inet6", address: "IPv6:0:0:0:0:0:0:0:1" }),
        connect({ hostname: "[::1]", family: "inet6", address: "::1" }),
        connect({ hostname: "unknown", address: "unknown" }),
        connect({ hostname: "", port: 0, address: "" }),
        connect({ hostname: "xn--.example", family: "inet6", port: 65535, address: "not:an:address" }),
      ];
      for (const client of clients) {
        const talk = await stand.open();
        await talk.play([client, ...greeting().slice(2), ...message()]);
        talk.need("connect");
        await talk.finish();
      }
    },
  },
  mailCase(
    "null-sender",
    "a bounce: MAIL FROM:<>",
    "the null sender is <>",
    "mail",
    () => ({ mail: mail("<>") }),
  ),
  mailCase(
    "addresses",
    "addresses without brackets, empty, quoted, twice, with arguments",
    "an MTA hands on what the client wrote",
    "rcpt",
    () => ({
      mail: mail("", "SIZE=4096", "BODY=8BITMIME", "AUTH=<>", ""),
      rcpts: [
        rcpt("recipient@example.com"),
        rcpt("<recipient@example.com>", "NOTIFY=NEVER", "ORCPT=rfc822;a+2Bb@example.com"),
        rcpt("<recipient@example.com>"),
        rcpt('<"quoted \\" name"@example.com>'),
        rcpt("<@relay.example:user@example.com>"),
        rcpt("postmaster"),
        rcpt(`<${"x".repeat(2000)}@example.com>`),
      ],
    }),
  ),
  {
    name: "refused-recipients",
    about: "a recipient that the MTA has refused",
    rule: "SMFIP_RCPT_REJ: {rcpt_mailer} is error, and the answer has no effect",
    async play(stand) {
      const talk = await stand.greeted();
      if ((talk.agreement.protocol & PROTOCOL.REJECTED_RECIPIENTS) === 0) {
        throw new NotApplicable("it does without refused recipients");
      }
      const [before, sender, ...others] = message();
      const refused = {
        "{rcpt_mailer}": "error",
        "{rcpt_host}": "5.1.1",
        "{rcpt_addr}": "User unknown in local recipient table",
      };
      await talk.play([before!, sender!, macros("R", refused), rcpt("<nobody@example.com>"), ...others]);
      await talk.finish();
    },
  },
];
