/** `kilter send` and `kilter bench`: mails past filters that are served, and past milters that do wrong. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { splitMailbox } from "../../src/cli/send/mails.ts";
import {
  accept,
  defineFilter,
  discard,
  type Filter,
  formatAddress,
  quarantine,
  reject,
  serve,
} from "../../mod.ts";
import { decodeText } from "../../src/protocol/mod.ts";
import { assertEquals, assertMatch, assertStringIncludes, tempDir, test } from "../harness.ts";
import { latin1 } from "../bytes.ts";
import { RawMilter, type RawScript } from "../client/raw_milter.ts";
import { kilter } from "./captured.ts";

const LISTEN = { listen: "inet:0@127.0.0.1" } as const;

/** Strips `X-Old`, refuses one recipient, and judges by the Subject. */
const filter: Filter = defineFilter({ name: "judge" }, async (session) => {
  for await (const recipient of session.envelopeRecipients()) {
    if (recipient.address === "no@mx.example") recipient.reject("550 5.1.1 Nobody here");
  }
  const subject = (await session.headers.get("Subject"))?.value;
  if (subject === "spam") return reject("550 5.7.1 No spam");
  if (subject === "drop") return discard();
  if (subject === "odd") return quarantine("Looks odd");
  const old = await session.headers.get("X-Old");
  if (old !== undefined) session.headers.delete(old);
  session.headers.append("X-User", session.authenticatedUser ?? "nobody");
  return accept();
});

/** Runs the command on mails in files, against a filter. */
async function sendMails(mails: Readonly<Record<string, string | Uint8Array>>, ...args: string[]) {
  await using server = await serve(filter, LISTEN);
  await using directory = await tempDir();
  for (const [name, mail] of Object.entries(mails)) await writeFile(directory.file(name), mail);
  const paths = Object.keys(mails).map((name) => directory.file(name));
  const { code, out, err } = await kilter("send", ...paths, "--to", formatAddress(server.address), ...args);
  const tidy = (text: string) =>
    text.replaceAll(directory.file("").replace(/\/*$/, "/"), "").replaceAll(/ *\b\d+ ms\b/g, " N ms")
      .replaceAll(
        /as [0-9A-F]{14}\b/g,
        "as ID",
      )
      .replaceAll(/i="[0-9A-F]{14}"/g, 'i="ID"').replaceAll(/inet:\d+@/g, "inet:PORT@");
  return { code, out: tidy(out), err: tidy(err) };
}

test("kilter send shows the conversation, the verdict and what was changed", async () => {
  const mail = "Subject: hello\nX-Old: 1\nTo: b\n\nHi\n";
  const { code, out, err } = await sendMails(
    { "a.eml": mail },
    "--rcpt",
    "yes@mx.example",
    "--rcpt",
    "no@mx.example",
  );
  assertEquals([code, err], [0, ""]);
  assertEquals(out.split("\n").filter((line) => line.length > 80 && !/^ {3}[><] negotiate/.test(line)), []);
  assertEquals(
    out.replace(/^[^]*?S: 354/, "S: 354").replace(/^ {3}> macros.*\n/gm, ""),
    `S: 354 End data with <CR><LF>.<CR><LF>
C: (the message, with 3 headers)
   > header "Subject" " hello"
   > header "X-Old" " 1"
   > header "To" " b"
   > header "Message-Id" " ${out.match(/Message-Id" " (.*)"/)?.[1]}"
   > header "Date" " ${out.match(/Date" " (.*)"/)?.[1]}"
   > header "From" " sender@client.example"
   > endOfHeaders
   < continue
   > body 4 bytes "Hi\\\\r\\\\n"
   < skip
   > endOfMessage
   < changeHeader 1 "X-Old" ""
   < addHeader "X-User" " nobody"
   < accept
S: 250 2.0.0 Ok: queued as ID

Accepted, with 2 edits, in N ms: 250 2.0.0 Ok: queued as ID
<no@mx.example> rejected: 550 5.1.1 Nobody here
`.replaceAll("\\\\", "\\") + out.slice(out.indexOf("\n\n     …") + 1),
  );
  assertMatch(out, /\n {5}Subject: hello\n {3}- X-Old: 1\n {5}To: b\n/);
  assertMatch(out, /\n {3}\+ X-User: nobody\n/);
});

test("kilter send tells how each mail of many fared, and ends with 1 if one was not accepted", async () => {
  const { code, out, err } = await sendMails({
    "a.eml": "Subject: hello\n\n",
    "b.eml": "Subject: spam\n\n",
    "c.eml": "Subject: odd\n\n",
    "d.eml": "Subject: drop\n\n",
  });
  assertEquals(
    out,
    `accepted N ms  a.eml  1 edit
rejected N ms  b.eml  550 5.7.1 No spam
held N ms  c.eml  Looks odd
discarded N ms  d.eml  250 2.0.0 Ok: queued as ID
`,
  );
  assertEquals([code, err], [1, "kilter send: 4 sent: 1 accepted, 3 not accepted\n"]);
});

test("kilter send takes mailboxes and directories, and repeats", async () => {
  await using directory = await tempDir();
  await mkdir(directory.file("in"));
  await writeFile(directory.file("in/one.eml"), "Subject: one\n\n");
  await writeFile(directory.file("in/.hidden"), "Subject: hidden\n\n");
  const mbox =
    "From a Thu Jan 15 2026\nSubject: two\n\nText\n>From here\n\nFrom b Thu Jan 15 2026\nSubject: spam\n\n\n";
  await writeFile(directory.file("in/box"), mbox);
  await using server = await serve(filter, LISTEN);
  const { code, out } = await kilter(
    ...["send", directory.file("in"), "-t", formatAddress(server.address), "--repeat", "2", "--json"],
  );
  const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ mail, outcome }) => [mail.slice(directory.file("in/").length), outcome]), [
    ...[["box#1", "accepted"], ["box#1", "accepted"], ["box#2", "rejected"], ["box#2", "rejected"]],
    ...[["one.eml", "accepted"], ["one.eml", "accepted"]],
  ]);
  assertEquals(code, 1);
  assertEquals(lines[0].milters[0].edits, ['addHeader "X-User" " nobody"']);
  assertEquals([...splitMailbox(latin1(mbox))].map(decodeText), [
    "Subject: two\n\nText\nFrom here\n",
    "Subject: spam\n\n",
  ]);
});

test("kilter send tells the milter of sender, client, greeting and macros, and writes the mail", async () => {
  await using directory = await tempDir();
  const output = directory.file("out.eml");
  const { code, out } = await sendMails(
    { "a.eml": "Subject: hello\n\nHi\n" },
    ...[
      "--mta",
      "sendmail",
      "-f",
      "a@b.example SIZE=9",
      "--client",
      "c.example[2001:db8::1]",
      "--helo",
      "h.example",
    ],
    ...[
      "-m",
      "auth_authen=arthur",
      "-m",
      "{tls_version}=TLSv1.3",
      "--hostname",
      "mx.example",
      "-o",
      output,
      "-v",
    ],
  );
  assertEquals(code, 0);
  assertStringIncludes(out, '> connect "c.example" "inet6" 40000 "IPv6:2001:db8:0:0:0:0:0:1"');
  assertStringIncludes(out, '> helo "h.example"');
  assertStringIncludes(out, '> mail "<a@b.example>" ["SIZE=9"]');
  assertMatch(out, /> macros for helo .*\{tls_version\}="TLSv1.3"/);
  assertMatch(await readFile(output, "latin1"), /Subject: hello\r\nX-User: arthur\r\n\r\nHi\r\n$/);
});

/** Mails as they lie around. */
const ODD: Readonly<Record<string, string | Uint8Array>> = {
  "empty": "",
  "no-headers": "\nJust text\n",
  "bare-lf": "Subject: x\n\none\ntwo",
  "8-bit": latin1("Subject: caf\xe9\n\ncaf\xe9\n"),
  "no-mail": latin1("\x89PNG\r\n\x1a\n\0\0\0"),
  "large": `Subject: large\n\n${"0123456789abcdef".repeat(64)}\n`.padEnd(50_000_000, "0123456789abcde\n"),
};

test("kilter send takes whatever lies in a file as a mail", { timeout: 120_000 }, async () => {
  const { code, out, err } = await sendMails(ODD);
  assertEquals(out.match(/^accepted N ms {2}\S+/gm)?.map((line) => line.split("  ")[1]), Object.keys(ODD));
  assertEquals([code, err], [0, "kilter send: 6 sent: 6 accepted, 0 not accepted\n"]);
});

/** Command lines that are none, and what is said to them. */
const BAD: readonly (readonly [args: readonly string[], code: number, err: RegExp])[] = [
  [["send"], 2, /^kilter send: mail\.eml … is missing; see kilter send --help\n$/],
  [["send", "x"], 2, /--to is missing: where does the milter listen\?/],
  [["send", "x", "--to", "nonsense"], 2, /--to: Cannot use address "nonsense": it must be/],
  [["send", "x", "--to", "inet:1@127.0.0.1", "--mta", "exim"], 2, /--mta must be one of postfix, sendmail/],
  [["send", "x", "--to", "inet:1@127.0.0.1", "--macro", "novalue"], 2, /--macro must be name=value/],
  [["send", "x", "--to", "inet:1@127.0.0.1", "--client", "a b c"], 2, /--client must be name\[address\]/],
  [
    ["send", "x", "--to", "inet:1@127.0.0.1", "--repeat", "0"],
    2,
    /--repeat must be a whole number from 1 on/,
  ],
  [
    ["send", "/nowhere/at.all", "--to", "inet:1@127.0.0.1"],
    3,
    /^kilter send: Cannot read .*: there is no such file\n$/,
  ],
  [
    ["send", "deno.json", "--to", "unix:/nowhere/at.all"],
    3,
    /^kilter send: Cannot connect to .*: the path does not/,
  ],
  [["bench"], 2, /^kilter bench: address is missing/],
  [["bench", "unix:/nowhere/at.all"], 3, /^kilter bench: Cannot connect to .*: the path does not exist\n$/],
  [["bench", "inet:1@127.0.0.1", "-n", "many"], 2, /--messages must be a whole number/],
];

for (const [args, code, err] of BAD) {
  test(`kilter ${args.join(" ")} ends with ${code}`, async () => {
    const ended = await kilter(...args);
    assertEquals([ended.code, ended.out], [code, ""]);
    assertMatch(ended.err, err);
  });
}

/** Milters that do wrong, and what is said of them. */
const WRONG: readonly (readonly [script: RawScript, err: RegExp])[] = [
  [{ mail: "nothing" }, /^\nkilter send: Cannot wait: the milter has not answered mail for 1 s\n$/],
  [{ header: "close" }, /^\nkilter send: Cannot read: the milter has closed the connection\n$/],
  [
    { rcpt: [latin1("\0\0\0\x01?")] },
    /^\nkilter send: Cannot decode reply: there is none with the code 0x3f\n$/,
  ],
  [{ data: [latin1("\x7f\xff\xff\xff?")] }, /^\nkilter send: Cannot read packet: .*\n$/],
];

for (const [script, err] of WRONG) {
  test(`kilter send ends with 3 when a milter fails at ${Object.keys(script)}`, async () => {
    await using milter = await RawMilter.listen(script);
    const mail = new URL("../../examples/mail/newsletter.eml", import.meta.url).pathname;
    const ended = await kilter("send", mail, "-t", formatAddress(milter.address), "--timeout", "1");
    assertEquals(ended.code, 3);
    assertMatch(ended.err, err);
    assertStringIncludes(ended.out, "C: MAIL FROM:<sender@client.example>");
    await milter.left();
    const asked = [
      "send",
      mail,
      "-t",
      formatAddress(milter.address),
      "--timeout",
      "1",
      "--default-action",
      "reject",
    ];
    assertEquals((await kilter(...asked)).code, 1);
  });
}

test("kilter bench counts mails, times and outcomes", async () => {
  await using server = await serve(filter, LISTEN);
  const address = formatAddress(server.address);
  const { code, out, err } = await kilter("bench", address, "-n", "200", "-c", "8", "--each", "5", "--json");
  assertEquals([code, err], [0, ""]);
  const { perSecond, outcomes, failed, milliseconds } = JSON.parse(out);
  assertEquals([outcomes, failed], [{ accepted: 200 }, 0]);
  assertEquals([perSecond > 0, milliseconds.p50 <= milliseconds.p99], [true, true]);
  const table = await kilter("bench", address, "-n", "20", "--size", "0");
  assertMatch(
    table.out,
    /^20 mails of \d+ bytes to inet:\d+@127\.0\.0\.1, 16 at a time, 1 on a connection\n/,
  );
  assertMatch(table.out, /\n {2}outcomes {4}20 accepted\n {2}failures {4}none\n$/);
});

test("kilter bench gives a milter up that fails again and again", async () => {
  await using milter = await RawMilter.listen({ data: "close" });
  const ended = await kilter("bench", formatAddress(milter.address), "-n", "100000", "-c", "4");
  assertEquals(ended.code, 3);
  assertMatch(ended.out, /failures {4}\d+: Cannot read: the milter has closed the connection\n$/);
  await milter.left();
});
