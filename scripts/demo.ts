/**
 * Shows a mail filter at work, to somebody who has never seen one: serves two of the examples on a real socket,
 * plays the MTA that calls them, and prints what is said and what becomes of the mail.
 *
 *   deno task demo
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import rejectSender from "../examples/reject_sender.ts";
import stripX from "../examples/strip_x.ts";
import { type Filter, formatAddress, serve } from "../mod.ts";
import { nodeAdapter } from "../src/adapters/node.ts";
import { EditedMessage } from "../src/mta/edited_message.ts";
import { type Mail, mailBytes, parseMail } from "../src/mta/mail.ts";
import { type Command, decodeText, type Text } from "../src/protocol/mod.ts";
import { diff, paint, title } from "./demo/paper.ts";
import { type Outcome, Player } from "./demo/player.ts";

/** A filter, a mail, and who sends it. */
interface Scene {
  readonly filter: Filter;
  readonly source: string;
  readonly does: string;
  readonly mail: string;
  readonly from: string;
  readonly to: string;
}

const SCENES: readonly Scene[] = [
  {
    filter: stripX,
    source: "examples/strip_x.ts",
    does: "deletes the headers whose name starts with X-",
    mail: "examples/mail/newsletter.eml",
    from: "<bounces@shop.example.org>",
    to: "<zoot@example.com>",
  },
  {
    filter: rejectSender,
    source: "examples/reject_sender.ts",
    does: "refuses mail from the Black Knight",
    mail: "examples/mail/black_knight.eml",
    from: "<mailer@castle.example.org>",
    to: "<arthur@example.com>",
  },
];

if (Deno.args.includes("--help")) {
  console.log(
    "Usage: deno task demo\n\nShows two of the example filters at work on a mail. NO_COLOR=1 prints without colours.",
  );
  Deno.exit();
}

console.log(`${paint("bold", "Kilter: mail filters in TypeScript")}

A mail server (an MTA: Postfix, Sendmail) can call a filter while a mail comes in. It tells the filter
what the client says, piece by piece, and the filter answers: go on, change this, accept, refuse.
Here this program is the mail server; the filters are real, and so is the socket between them.`);

let number = 0;
for (const scene of SCENES) {
  const mail = parseMail(await readFile(new URL(`../${scene.mail}`, import.meta.url)));
  await using server = await serve(scene.filter, { listen: "inet:0@127.0.0.1" });
  title(++number, `${scene.source} ${scene.does}`);
  console.log(`   served on ${formatAddress(server.address)}; the mail is ${scene.mail}\n`);

  const player = new Player(await nodeAdapter.connect(server.address));
  await player.negotiate();
  player.macros("C", { j: "mx.example.com", v: "Postfix 3.7.11" });
  const outcome = await player.converse(script(scene, mail));
  player.close();
  const message = new EditedMessage(mail, {
    mta: "postfix",
    agreement: player.agreement,
    sender: { address: scene.from, arguments: [] },
    recipients: [{ address: scene.to, arguments: [] }],
    local: false,
  });
  report(outcome, mail, message);
}

console.log(
  `\nThe filters are a few lines each: read them in ${paint("bold", "examples/")}, then write your own.`,
);

/** What an MTA says of a mail. */
function script({ from, to }: Scene, mail: Mail): Command<Text>[] {
  return [
    { type: "connect", hostname: "shop.example.org", family: "inet", port: 41234, address: "192.0.2.25" },
    { type: "helo", hostname: "shop.example.org" },
    { type: "mail", address: from, arguments: [] },
    { type: "rcpt", address: to, arguments: [] },
    { type: "data" },
    ...mail.headers.map((header) => ({ type: "header", ...header }) as const),
    { type: "endOfHeaders" },
    { type: "body", chunk: mail.body },
    { type: "endOfMessage", chunk: "" },
  ];
}

function report({ verdict, at, edits }: Outcome, mail: Mail, message: EditedMessage): void {
  const accepted = verdict.type === "accept" || verdict.type === "continue";
  if (!accepted) {
    const when = at === "mail" ? "before any of the mail was sent" : "and nothing of it is delivered";
    console.log(
      `\n   ${
        paint(["bold", "red"], "Refused")
      }, ${when}. The sender's mail server is told so, and tells him.`,
    );
    return;
  }
  const count = edits.length === 1 ? "1 edit" : `${edits.length} edits`;
  console.log(
    `\n   ${paint(["bold", "green"], "Accepted")}, with ${count}. The mail before (-) and after (+):\n`,
  );
  for (const edit of edits) message.take(edit);
  // The first header is what the mail server says of itself.
  diff(linesOf(mail), linesOf({ ...message.mail, headers: message.mail.headers.slice(1) }));
}

function linesOf(mail: Mail): string[] {
  return decodeText(mailBytes(mail)).trimEnd().split("\r\n");
}
