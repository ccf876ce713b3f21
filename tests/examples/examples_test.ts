/** The examples, each called by an MTA. */

import judgeRecipients from "../../examples/judge_recipients.ts";
import rejectSender from "../../examples/reject_sender.ts";
import scanBody from "../../examples/scan_body.ts";
import stripX from "../../examples/strip_x.ts";
import stripXCollected from "../../examples/strip_x_collected.ts";
import type { Filter } from "../../mod.ts";
import { assertEquals, test } from "../harness.ts";
import { body, GREETING, header, type Line, mail, rcpt } from "../mta_commands.ts";
import { play } from "../mta_player.ts";

const KNIGHT = "<black.knight@example.com>";

/** A mail with headers and chunks of body. */
function letter(headers: readonly string[], chunks: readonly string[] = ["Hello\r\n"]): readonly Line[] {
  return [
    ...["mail", "rcpt", "data"] as const,
    ...headers.map(header),
    "endOfHeaders",
    ...chunks.map(body),
    "endOfMessage",
  ];
}

const STRIPPABLE = ["From: a@example.com", "X-Mailer: m", "Subject: s", "x-mailer: n", "X-Spam: no"];

const STRIPPED = [
  'endOfMessage: changeHeader 1 "X-Spam" ""',
  'endOfMessage: changeHeader 2 "x-mailer" ""',
  'endOfMessage: changeHeader 1 "X-Mailer" ""',
  "endOfMessage: accept",
];

/** What each example makes of a mail: what it answers, all but "go on". */
const EXAMPLES: readonly {
  readonly what: string;
  readonly filter: Filter;
  readonly mail: readonly Line[];
  readonly says: readonly string[];
}[] = [
  {
    what: "reject_sender refuses the sender",
    filter: rejectSender,
    mail: [mail(KNIGHT)],
    says: ["mail: reject"],
  },
  {
    what: "reject_sender refuses who says in the header that he is",
    filter: rejectSender,
    mail: letter([`From: The Black Knight ${KNIGHT}`]),
    says: ['endOfHeaders: replyCode "550 5.7.1 None shall pass"'],
  },
  {
    what: "reject_sender lets others pass",
    filter: rejectSender,
    mail: letter(["From: Arthur <arthur@example.com>", `Subject: ${KNIGHT}`]),
    says: ["endOfHeaders: accept"],
  },
  { what: "strip_x strips X- headers", filter: stripX, mail: letter(STRIPPABLE), says: STRIPPED },
  {
    what: "strip_x leaves a mail without any alone",
    filter: stripX,
    mail: letter(["Subject: X-Files"]),
    says: ["endOfHeaders: accept"],
  },
  {
    what: "strip_x_collected strips X- headers",
    filter: stripXCollected,
    mail: letter(STRIPPABLE),
    says: STRIPPED,
  },
  {
    what: "strip_x_collected leaves our lists' mails alone",
    filter: stripXCollected,
    mail: letter([...STRIPPABLE, "List-Id: <knights.lists.example.com>"]),
    says: ["endOfHeaders: accept"],
  },
  {
    what: "scan_body finds what lies across two chunks, and sees no more",
    filter: scanBody,
    mail: letter([], ["We want a shru", "bbery!\r\n", "One that looks nice\r\n"]),
    says: ["body: skip", 'endOfMessage: quarantine "The body asks for a shrubbery"', "endOfMessage: accept"],
  },
  {
    what: "scan_body lets a body without it pass",
    filter: scanBody,
    mail: letter([], ["We want a shrub", "\r\nof some kind\r\n"]),
    says: ["endOfMessage: accept"],
  },
  {
    what: "scan_body leaves a body that is long",
    filter: scanBody,
    mail: letter([], [...Array<string>(40).fill("x".repeat(65535)), "shrubbery"]),
    says: ["body: accept"],
  },
  {
    what: "judge_recipients refuses those who left, and takes the rest",
    filter: judgeRecipients,
    mail: [
      "mail",
      rcpt("<arthur@example.com>"),
      rcpt("<Lancelot@example.com>"),
      rcpt("<robin@example.com>"),
      ...letter([]).slice(2),
    ],
    says: ['rcpt: replyCode "550 5.1.6 He has left for the Grail"', "endOfMessage: accept"],
  },
  {
    what: "judge_recipients asks those over 50 to come again",
    filter: judgeRecipients,
    mail: ["mail", ...Array<Line>(52).fill("rcpt"), ...letter([]).slice(2)],
    says: [
      ...Array<string>(2).fill(
        'rcpt: replyCode "452 4.5.3 Too many recipients, send the mail again for these"',
      ),
      "endOfMessage: accept",
    ],
  },
];

for (const { what, filter, mail, says } of EXAMPLES) {
  test(`Example ${what}`, async () => {
    await using mta = await play(filter);
    const answers = await mta.play([...GREETING, ...mail]);
    assertEquals(answers.filter((answer) => !answer.endsWith(": continue")), says);
  });
}
