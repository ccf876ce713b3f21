/** What is left in a redacted recording of the people behind a mail: nothing. */

import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { type Filter, quarantine, serve } from "../../mod.ts";
import {
  type Command,
  decodeCommand,
  decodeReply,
  encodeCommand,
  encodeReply,
  type Reply,
  type Text,
} from "../../src/protocol/mod.ts";
import type { Side } from "../../src/cli/recording/entry.ts";
import { Redactor } from "../../src/cli/recording/redactor.ts";
import { describe } from "../../src/protocol/description.ts";
import { latin1 } from "../bytes.ts";
import { assertEquals, assertStringIncludes, property, tempDir, test } from "../harness.ts";
import { body, connect, endOfMessage, header, helo, mail, rcpt, unknown } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { forEachConversation } from "../transcripts.ts";
import { socketWire } from "../wires.ts";
import { RunningCommand } from "./running.ts";

/** Words that a mail of this test is made of. */
const SECRET = [
  ...["zaphod", "beeblebrox", "trillian", "mcmillan", "magrathea", "heartofgold", "slartibartfast", "42.42"],
  ...["vogsphere", "prostetnic", "ravenous", "bugblatter", "babelfish", "deadbeef", "gargleblaster"],
];

/** A filter that says again what it has seen, in every kind of answer. */
const gossip: Filter = async (session) => {
  for await (const recipient of session.envelopeRecipients()) {
    if (recipient.address.startsWith("slart")) recipient.reject("550 5.1.1 No slartibartfast at magrathea");
  }
  session.headers.append("X-Magrathea-Scanner", "seen by deadbeef");
  session.headers.append("X-Spam-Status", "trillian is no spam");
  const [subject] = await session.headers.getAll("Subject");
  if (subject !== undefined) session.headers.update(subject, "[heartofgold] babelfish");
  session.body.replace("bugblatter\r\n");
  session.changeSender("prostetnic@vogsphere.example");
  session.addRecipient("trillian@heartofgold.example");
  session.removeRecipient("trillian@magrathea.example");
  await session.endOfMessage();
  return quarantine("zaphod again");
};

test("kilter trace --redact leaves no address, name or byte of a mail in the recording, nor on the terminal", async () => {
  await using server = await serve(gossip, { listen: "inet:0@127.0.0.1", log: () => {} });
  await using directory = await tempDir();
  const file = directory.file("redacted.jsonl");
  const port = "port" in server.address ? server.address.port : 0;
  await using command = new RunningCommand([
    ...["trace", "--listen", "inet:0@127.0.0.1", "--forward", `inet:${port}@127.0.0.1`],
    ...["--redact", "--save", file],
  ]);
  const [, listening] = await command.terminal.until(/listening on inet:(\d+)@/);
  {
    await using mta = new MtaPlayer(await socketWire({ host: "127.0.0.1", port: Number(listening) }));
    await mta.negotiate();
    await mta.macros("C", {
      j: "mx.magrathea.example",
      _: "vogsphere [42.42.42.42]",
      "{babelfish}": "deadbeef",
    });
    await mta.say(connect("42.42.42.42", "client.vogsphere.example"));
    await mta.say(helo("heartofgold.example"));
    await mta.macros("M", {
      i: "DEADBEEF",
      "{mail_addr}": "zaphod@heartofgold.example",
      "{auth_authen}": "zaphod",
    });
    await mta.say(
      mail("<Zaphod@heartofgold.example>", "SIZE=1234", "ENVID=deadbeef", "AUTH=zaphod", "XMAGRATHEA=1"),
    );
    await mta.say(
      rcpt("<trillian@magrathea.example>", "ORCPT=rfc822;mcmillan@magrathea.example", "NOTIFY=NEVER"),
    );
    await mta.say(rcpt("slartibartfast@magrathea.example"));
    await mta.say(unknown("VRFY zaphod"));
    await mta.say("data");
    await mta.say(header("From: Zaphod Beeblebrox <zaphod@heartofgold.example>"));
    await mta.say(header("Subject: ravenous"));
    await mta.say(header("X-Magrathea-Id: deadbeef"));
    await mta.say(header("Received: from [42.42.42.42] by vogsphere"));
    await mta.say("endOfHeaders");
    await mta.say(body("Dear Trillian McMillan,\r\n\r\ngargleblaster?\r\n"));
    await mta.say(endOfMessage("ravenous bugblatter"));
  }
  {
    const wire = await socketWire({ host: "127.0.0.1", port: Number(listening) });
    wire.write(latin1("EHLO vogsphere\r\nMAIL FROM:<zaphod@heartofgold.example>\r\n"));
    wire.end();
    while (await wire.read() !== undefined);
    await wire.close();
  }
  const { code, out } = await command.stop();
  assertEquals(code, 0);
  const recording = await readFile(file, "utf8");
  const bytes = recording.replaceAll(
    /"hex":"([\da-f]*)"/g,
    (_, hex) => Buffer.from(hex, "hex").toString("latin1"),
  );
  for (const text of [recording, bytes, out]) {
    assertEquals(SECRET.filter((word) => text.toLowerCase().includes(word)), []);
  }
  assertEquals(recording.split("\n")[0], '{"format":"kilter recording","version":1,"redacted":true}');
  // What is of use stays: who is who, sizes, codes.
  for (
    const line of [
      '> macros for mail i="redacted" {mail_addr}="person1@redacted.example"',
      '> mail "<person1@redacted.example>"',
      '"SIZE=1234"',
      '> rcpt "<person2@redacted.example>"',
      '"NOTIFY=NEVER"',
      '< replyCode "550 5.1.1 redacted"',
      '> unknown "VRFY redacted"',
      '> header "From" " redacted"',
      '> header "X-Redacted-1" " redacted"',
      '< removeRecipient "<person2@redacted.example>"',
      '"X-Spam-Status" " redacted"',
      '< quarantine "redacted"',
    ]
  ) assertStringIncludes(out.replaceAll(/\n +/g, " "), line);
});

/** Words that tell who took part in the transcripts. */
const TRANSCRIPT_WORDS =
  /\.test\b|sender|user@|\btwo\b|line (one|two)|hello|localhost|127\.0|upstream|\bm1\b|[0-9A-F]{10,}/i;

/** A conversation as a redactor leaves it, packet by packet. */
function redacted(packets: readonly (readonly [Side, Uint8Array])[]): [Side, Uint8Array][] {
  const redactor = new Redactor();
  return packets.map(([side, bytes]) => [side, redactor.redact(side, { what: "packet", bytes }).bytes]);
}

test("Redactor leaves nothing of a conversation with a real MTA but its shape, and is done with it at once", () => {
  forEachConversation(({ exchanges }) => {
    const packets = exchanges.flatMap(({ command, replies }): [Side, Uint8Array][] => [
      ["mta", command],
      ...replies.map((reply): [Side, Uint8Array] => ["filter", reply]),
    ]);
    const once = redacted(packets);
    assertEquals(redacted(once), once);
    for (const [index, [, bytes]] of once.entries()) {
      assertEquals(bytes[0], packets[index]![1][0]);
      const text = Buffer.from(bytes).toString("latin1");
      assertEquals(TRANSCRIPT_WORDS.exec(text)?.[0], undefined, text);
    }
  });
});

property("Redactor takes any packet, and gives one of the same code", (random) => {
  const redactor = new Redactor();
  for (const side of ["mta", "filter"] as const) {
    const bytes = random.bytes(random.between(1, 40));
    if (random.chance(0.9)) bytes[0] = random.pick([..."OCHMRLBEUDyhimbe+2-q"]).charCodeAt(0);
    const { bytes: left } = redactor.redact(side, { what: "packet", bytes });
    assertEquals(left[0], bytes[0]);
  }
});

/** Messages, and what is left of each. */
const LEFT: readonly (readonly [message: Command<Text> | Reply<Text>, left: string])[] = [
  [mail("<>"), 'mail "<>" []'],
  [mail(""), 'mail "" []'],
  [
    mail("arthur@example.com", "BODY=8BITMIME", "SMTPUTF8", "RET=HDRS"),
    'mail "person1@redacted.example" ["BODY=8BITMIME","SMTPUTF8","RET=HDRS"]',
  ],
  [connect("2001:db8::42"), 'connect "client.redacted.example" "inet6" 1024 "2001:db8::1"'],
  [connect("IPv6:2001:db8::42"), 'connect "client.redacted.example" "inet6" 1024 "IPv6:2001:db8::1"'],
  [
    { type: "connect", hostname: "localhost", family: "unknown", port: undefined, address: undefined },
    'connect "client.redacted.example" "unknown"',
  ],
  [
    {
      type: "macros",
      stage: "C",
      definitions: "v\0Postfix 3.7.11\0{tls_version}\0TLSv1.3\0{cipher_bits}\0a secret\0{own}\0x\0",
    },
    'macros for connect v="Postfix 3.7.11" {tls_version}="TLSv1.3" {cipher_bits}="redacted" {redacted1}="redacted"',
  ],
  [{ type: "macros", stage: "R", definitions: "no end" }, 'macros for rcpt {redacted1}=""'],
  [unknown("ARTHUR"), 'unknown "REDACTED"'],
  [
    { type: "replyCode", text: "550-5.7.1 to arthur\r\n550 5.7.1 no" },
    'replyCode "550-5.7.1 redacted\\r\\n550 5.7.1 redacted"',
  ],
  [{ type: "replyCode", text: "554" }, 'replyCode "554"'],
  [{ type: "replyCode", text: "go away, arthur" }, 'replyCode "redacted"'],
  [{ type: "changeHeader", index: 1, name: "Subject", value: "" }, 'changeHeader 1 "Subject" ""'],
  [
    { type: "changeSender", address: "<a@b>", arguments: "RET=FULL ENVID=arthur" },
    'changeSender "<person1@redacted.example>" "RET=FULL ENVID=redacted"',
  ],
  [
    { type: "negotiate", version: 6, actions: 1, protocol: 0, macros: [{ stage: 2, names: ["i", "{own}"] }] },
    'negotiate 6 actions 0x1 protocol 0x0 [{"stage":2,"names":["i","{redacted1}"]}]',
  ],
];

test("Redactor keeps what everybody says", () => {
  for (const [message, left] of LEFT) {
    const isReply = "macros" in message ||
      ["replyCode", "changeHeader", "changeSender"].includes(message.type);
    const packet = isReply ? encodeReply(message as Reply<Text>) : encodeCommand(message as Command<Text>);
    const { bytes } = new Redactor().redact(isReply ? "filter" : "mta", {
      what: "packet",
      bytes: packet.subarray(4),
    });
    assertEquals(describe(isReply ? decodeReply(bytes) : decodeCommand(bytes)), left);
  }
});
