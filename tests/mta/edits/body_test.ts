/** What bodies are delivered as when they are replaced. */

import type { Session } from "../../../mod.ts";
import { latin1 } from "../../bytes.ts";
import { type EditCase, testEdits } from "./cases.ts";
import { OWN, SENT } from "./delivered.ts";

/** So many bytes in lines of 72. */
const text = (bytes: number): string => `${"x".repeat(70)}\r\n`.repeat(Math.ceil(bytes / 72)).slice(0, bytes);
const LARGE = text(72 * 72_817); // 5 MiB, and a little

/** A packet but for its last byte. */
const FULL_PACKET = `${text(72 * 910)}${"y".repeat(14)}`;

/** All bytes but CR and LF. */
const ALL_BYTES = String.fromCharCode(...Array.from({ length: 256 }, (_, at) => at)).replace(
  /[\r\n]/g,
  "",
);

/** A stream of these pieces. */
async function* streamed(...pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await Promise.resolve();
    yield latin1(piece);
  }
}

const upper = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte) => byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte);

async function* rewritten({ body }: Session): AsyncGenerator<Uint8Array> {
  yield latin1("Above.\r\n");
  for await (const chunk of body) yield upper(chunk);
  yield latin1("Below.\r\n");
}

const replace = (content: string | Uint8Array) => ({ body }: Session): void => body.replace(content);

const CASES: readonly EditCase[] = [
  { name: "nothing", edit: replace(""), gives: { body: "" } },
  { name: "no bytes", edit: replace(new Uint8Array(0)), gives: { body: "" } },
  { name: "text", edit: replace("new\r\n.body\r\n"), gives: { body: "new\r\n.body\r\n" } },
  {
    name: "text with line ends of all kinds",
    edit: replace("a\nb\rc\r\nd\n\n"),
    gives: { body: "a\r\nb\r\nc\r\nd\r\n\r\n" },
  },
  { name: "text without a last line end", edit: replace("a\r\nb"), gives: { body: "a\r\nb\r\n" } },
  { name: "text beyond ASCII", edit: replace("Größe\r\n"), gives: { body: "Gr\xc3\xb6\xc3\x9fe\r\n" } },
  {
    name: "dots",
    edit: replace(".\r\n..\r\n. \r\n.a\r\n.\r\n"),
    gives: { body: ".\r\n..\r\n. \r\n.a\r\n.\r\n" },
  },
  { name: "empty lines only", edit: replace("\r\n\r\n"), gives: { body: "\r\n\r\n" } },
  {
    name: "bytes with a bare LF",
    edit: replace(latin1("a\nb\n\nc\r\n")),
    gives: { body: "a\r\nb\r\n\r\nc\r\n" },
  },
  {
    name: "bytes of all kinds",
    edit: replace(latin1(`${ALL_BYTES}\r\n`)),
    gives: { body: `${ALL_BYTES}\r\n` },
  },
  {
    name: "just as much as a packet holds",
    edit: replace(text(65_535)),
    gives: { body: `${text(65_535)}\r\n` },
  },
  { name: "a byte more", edit: replace(text(65_536)), gives: { body: `${text(65_536)}\r\n` } },
  {
    name: "a CRLF that lies across two packets",
    edit: replace(latin1(`${FULL_PACKET}\r\nnext\r\n`)),
    gives: { body: `${FULL_PACKET}\r\nnext\r\n` },
  },
  {
    name: "a bare LF at the start of a packet",
    edit: replace(latin1(`${FULL_PACKET}x\nnext\r\n`)),
    gives: { body: `${FULL_PACKET}x\r\nnext\r\n` },
  },

  { name: "5 MB of bytes", edit: replace(latin1(LARGE)), gives: { body: LARGE } },
  {
    name: "the last one holds",
    edit: ({ body }) => {
      body.replace(streamed("first\r\n"));
      body.replace(latin1("second\r\n"));
      body.replace("third\r\n");
    },
    gives: { body: "third\r\n" },
  },
  {
    name: "a stream",
    edit: ({ body }) => body.replace(streamed("a", "", "b\r", "\nc\r\n", text(100_000), "\r\n")),
    gives: { body: `ab\r\nc\r\n${text(100_000)}\r\n` },
  },
  { name: "a stream of nothing", edit: ({ body }) => body.replace(streamed()), gives: { body: "" } },
  {
    name: "a stream of 1 MB",
    edit: ({ body }) => body.replace(streamed(...Array<string>(20).fill(LARGE.slice(0, 52_416)))),
    gives: { body: LARGE.slice(0, 52_416).repeat(20) },
  },
  {
    name: "a stream that reads this very body",
    edit: (session) => session.body.replace(rewritten(session)),
    early: true,
    gives: { body: `Above.\r\n${SENT.body.toUpperCase()}Below.\r\n` },
  },
  {
    name: "a stream that reads this very body, of 1 MB",
    sent: { body: text(72 * 14_000) },
    edit: (session) => session.body.replace(rewritten(session)),
    early: true,
    gives: { body: `Above.\r\n${text(72 * 14_000).toUpperCase()}Below.\r\n` },
  },
  {
    name: "this very body through a TransformStream",
    edit: ({ body }) => {
      const transform = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, to) => to.enqueue(upper(chunk)),
      });
      body.replace(body.stream().pipeThrough(transform));
    },
    early: true,
    gives: { body: SENT.body.toUpperCase() },
  },
  {
    name: "what was collected of it",
    edit: async ({ body }) => body.replace(upper(await body.collect())),
    gives: { body: SENT.body.toUpperCase() },
  },
  {
    name: "a body for a message without one",
    sent: { body: "" },
    edit: replace("new\r\n"),
    gives: { body: "new\r\n" },
  },
  {
    name: "nothing for a message without a body",
    sent: { body: "" },
    edit: replace(""),
    gives: { body: "" },
  },
  {
    name: "a body and headers",
    edit: ({ headers, body }) => {
      body.replace("new\r\n");
      headers.append("X-New", "1");
      body.replace(text(200_000));
      headers.insert("X-New", "2", "start");
    },
    gives: { headers: ["X-New: 2", OWN, ...SENT.headers, "X-New: 1"], body: `${text(200_000)}\r\n` },
  },
  {
    name: "a body that is left alone beside headers that are edited",
    sent: { body: `${ALL_BYTES}\r\n\r\n.\r\n \r\nlast\r\n` },
    edit: ({ headers }) => void headers.append("X-New", "1"),
    gives: { headers: [OWN, ...SENT.headers, "X-New: 1"] },
  },
  {
    name: "progress() before and after",
    edit: async (session) => {
      await session.endOfMessage();
      session.progress();
      session.body.replace("new\r\n");
      session.progress();
    },
    gives: { body: "new\r\n" },
  },
];

testEdits("bodies are delivered as they were wished", CASES);
