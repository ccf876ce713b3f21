/** What real MTAs and the filters that they called have said, for fuzzers to make mistakes in. */

import { concat, frame, latin1 } from "../bytes.ts";
import { CONVERSATIONS } from "../transcripts.ts";
import type { TargetName } from "./targets.ts";

/** Long packets say no more than short ones. */
const LONGEST_PACKET = 1024;
const MOST_EXCHANGES = 60;

function streamOf(packets: readonly Uint8Array[]): Uint8Array {
  return concat(packets.map((packet) => frame(packet.subarray(0, LONGEST_PACKET))));
}

/** All that each MTA said on a connection. */
const COMMANDS: readonly Uint8Array[] = CONVERSATIONS.map(({ exchanges }) =>
  streamOf(exchanges.slice(0, MOST_EXCHANGES).map(({ command }) => command))
);

/** All that each filter said. */
const REPLIES: readonly Uint8Array[] = CONVERSATIONS.map(({ exchanges }) =>
  streamOf(exchanges.slice(0, MOST_EXCHANGES).flatMap(({ replies }) => replies))
).filter(({ length }) => length > 0);

/** The texts that commands and replies carry, and some that these have not. */
const TEXTS: readonly Uint8Array[] = [
  ...new Set([...COMMANDS, ...REPLIES].flatMap((stream) => latin1Of(stream).split(/[\0\r\n]+/))),
].filter((text) => text.length > 2).map((text) => latin1(text.slice(0, 400)));

/** Grammars that the transcripts have little of. */
const RARE: readonly Uint8Array[] = [
  '=?utf-8?q?J=C3=BCrgen?= =?iso-8859-1?b?5A==?= <j@x.example>, Knights: "Robin, Sir" <r@[IPv6:::1]>, (c (d)) a@b;',
  'attachment; filename*0*=UTF-8\'\'%C3%9Cber; filename*1="sicht.pdf"; x="a\\"b" (comment)',
  "text/plain; charset=utf-8; format=flowed",
  "inet:8891@[::1]",
  "unix:/run/filter.sock",
  "550-5.7.1 one\r\n550 5.7.1 100%% two",
  '<"a b\\"@c"@example.com> SIZE=100 BODY=8BITMIME SMTPUTF8',
  "undisclosed-recipients:;, <@route.example:a@b.example>, a@b (name), =?x?q??=",
].map(latin1);

/** A message of each shape that parsers know. */
const MESSAGES: readonly Uint8Array[] = [
  "From: King Arthur <a@x.example>\r\nTo: b@x.example\r\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n" +
  "Date: Fri, 1 Jan 2021 00:00:00 +0000\r\nMessage-Id: <1@x>\r\n\r\nNi!\r\n",
  "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\nContent-Type: text/html\r\n" +
  "Content-Transfer-Encoding: quoted-printable\r\n\r\n<b>=C3=9C</b>=\r\n\r\n--b\r\n" +
  'Content-Type: application/pdf; name="x.pdf"\r\nContent-Transfer-Encoding: base64\r\n' +
  "Content-Disposition: attachment; filename*=utf-8''%C3%9C.pdf\r\n\r\nSGVsbG8=\r\n--b--\r\nafter\r\n",
  'Content-Type: multipart/alternative;\r\n boundary="a"\r\n\r\n--a\r\n\r\ntext\r\n--a\r\n' +
  "Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n<img src=cid:1>\r\n--r\r\n" +
  "Content-Type: image/png\r\nContent-Id: <1>\r\n\r\nx\r\n--r--\r\n--a--\r\n",
  "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B$3\x1b(B\r\n",
].map(latin1);

/** What each target begins with. */
export const SEEDS: Readonly<Record<TargetName, readonly Uint8Array[]>> = {
  commands: COMMANDS,
  replies: REPLIES,
  session: COMMANDS,
  texts: [...TEXTS, ...RARE],
  mime: [...TEXTS, ...RARE],
  messages: MESSAGES,
};

function latin1Of(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
