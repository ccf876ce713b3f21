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
import { NO_SKIP, type Stand } from "./stand.ts";

const ANSWERED = "each is answered once, whatever it holds";

/** A mail with unusual parts, and the command that the milter has to see for it to mean anything. */
interface OddMail extends Omit<Case, "play"> {
  readonly needs: CommandType;
  readonly parts: () => Parts;
}

/** Bytes from 0x80 on, all of them: no UTF-8. */
const HIGH = Array.from({ length: 128 }, (_, at) => String.fromCharCode(at + 128)).join("");

/** Lines of 72 characters, in all so many bytes. */
function lines(size: number): Uint8Array {
  return latin1(`${"x".repeat(72)}\r\n`.repeat(Math.ceil(size / 74)).slice(0, size));
}

function times(count: number, make: (at: number) => Said): Said[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

const ODD_MAILS: readonly OddMail[] = [
  {
    name: "no-body",
    about: "a mail without a body",
    rule: "then no chunk comes at all",
    needs: "endOfMessage",
    parts: () => ({ chunks: [] }),
  },
  {
    name: "no-headers",
    about: "a mail without headers",
    rule: "then the end of headers comes at once",
    needs: "endOfMessage",
    parts: () => ({ headers: [] }),
  },
  {
    name: "empty-mail",
    about: "a mail of nothing",
    rule: "neither headers nor a body must come",
    needs: "endOfMessage",
    parts: () => ({ headers: [], chunks: [] }),
  },
  {
    name: "empty-header",
    about: "headers without a value, or of a space only",
    rule: "such headers occur",
    needs: "header",
    parts: () => ({
      headers: [...HEADERS, header("X-Empty", ""), header("X-Space", " "), header("X-Tab", "\t")],
    }),
  },
  {
    name: "last-chunk",
    about: "a chunk of body in the end of message",
    rule: "MTAs other than Postfix and Sendmail do so",
    needs: "endOfMessage",
    parts: () => ({ chunks: [], end: endOfMessage("The only chunk.\r\n") }),
  },
  {
    name: "many-recipients",
    about: "1000 recipients",
    rule: ANSWERED,
    needs: "rcpt",
    parts: () => ({ rcpts: times(1000, (at) => rcpt(`<user${at}@example.com>`)) }),
  },
  {
    name: "many-headers",
    about: "1000 headers",
    rule: ANSWERED,
    needs: "header",
    parts: () => ({
      headers: [...HEADERS, ...times(1000, (at) => header(`X-Number-${at}`, ` value ${at}`))],
    }),
  },
  {
    name: "long-header",
    about: "a header of 59 KB",
    rule: "MTAs send such a header in one frame",
    needs: "header",
    parts: () => ({ headers: [...HEADERS, header("X-Long", ` ${"word\n ".repeat(10_000)}end`)] }),
  },
  {
    name: "longest-header",
    about: "a header of 100 KB",
    rule: "as long as Postfix takes them (header_size_limit), and sends them in one frame",
    needs: "header",
    parts: () => ({ headers: [...HEADERS, header("X-Longest", ` ${"word\n ".repeat(16_800)}end`)] }),
  },
  {
    name: "full-chunks",
    about: "a body of 1 MB in chunks of 65,535 bytes",
    rule: "the largest size where no other is agreed",
    needs: "body",
    parts: () => ({ chunks: times(16, () => body(lines(65_535))) }),
  },
  {
    name: "odd-chunks",
    about: "chunks of one byte, cut between CR and LF",
    rule: "chunks are cut anywhere",
    needs: "body",
    parts: () => ({ chunks: [..."Line\r\n\r\n.\r\n", "\r", "\n"].map((chunk) => body(chunk)) }),
  },
  {
    name: "raw-bytes",
    about: "NUL, bare CR and bare LF in a body, and lines without end",
    rule: "a body is bytes",
    needs: "body",
    parts: () => ({
      chunks: [
        body(latin1("\0a\rb\nc\0")),
        body(latin1("\n\r\r\n\0")),
        body(new Uint8Array(5000).fill(0x41)),
      ],
    }),
  },
  {
    name: "null-sender",
    about: "a bounce: MAIL FROM:<>",
    rule: "the null sender is <>",
    needs: "mail",
    parts: () => ({ mail: mail("<>") }),
  },
  {
    name: "addresses",
    about: "addresses without brackets, empty, quoted, twice, with arguments",
    rule: "an MTA hands on what the client wrote",
    needs: "rcpt",
    parts: () => ({
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
  },
];

/** Plays a mail from each of these clients. */
async function fromEach(stand: Stand, clients: readonly Said[]): Promise<void> {
  for (const client of clients) {
    const talk = await stand.open();
    await talk.play([client, ...greeting().slice(2), ...message()]);
    talk.need("connect");
    await talk.finish();
  }
}

/** Mails that are not as usual, and all of which may come. */
export const MAIL_CASES: readonly Case[] = [
  ...ODD_MAILS.map(({ needs, parts, ...row }): Case => ({
    ...row,
    async play(stand) {
      const talk = await stand.greeted(NO_SKIP);
      await talk.play(message(parts()));
      talk.need(needs);
      await talk.finish();
    },
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
        ...[before("C"), connect({ hostname: high })],
        ...[before("H"), helo(high), unknown(high)],
        ...[before("M"), mail(latin1(`<${HIGH}@example.com>`), latin1(`X=${HIGH}`))],
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
  {
    name: "clients",
    about: "clients by IPv6, by a Unix socket, and without an address",
    rule: "Postfix and Sendmail write them so",
    play: (stand) =>
      fromEach(stand, [
        connect({ hostname: "localhost", family: "unknown", port: undefined, address: undefined }),
        connect({ hostname: "localhost", family: "unix", port: 0, address: "/run/mta.sock" }),
        connect({ hostname: "[IPv6:::1]", family: "inet6", address: "IPv6:0:0:0:0:0:0:0:1" }),
        connect({ hostname: "[::1]", family: "inet6", address: "::1" }),
        connect({ hostname: "localhost", port: 0, address: "127.0.0.1" }),
      ]),
  },
  {
    name: "client-unknown",
    about: "a client of which a proxy does not know the address",
    rule: "Postfix writes it so after XCLIENT: family 4, address unknown",
    play: (stand) => fromEach(stand, [connect({ hostname: "unknown", address: "unknown" })]),
  },
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
