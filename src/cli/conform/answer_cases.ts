import { ACTION, PROTOCOL } from "../../protocol/flags.ts";
import { EDITS, type Reply, type ReplyType } from "../../protocol/replies.ts";
import { decodeText } from "../../wire/text.ts";
import { type Case, Fault, NotApplicable } from "./case.ts";
import {
  ABORT,
  body,
  greeting,
  header,
  HEADERS,
  macros,
  mail,
  message,
  type Parts,
  rcpt,
} from "./samples.ts";
import { NO_REPLY, NO_SKIP, type Stand, USUAL_OFFER } from "./stand.ts";
import { spelled } from "./talk.ts";

/** Mails that filters judge in different ways. The two strings are those made for tests of filters of their kind. */
const PROVOKING: readonly Parts[] = [
  {},
  { chunks: [body("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n")] },
  {
    chunks: [
      body("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*\r\n"),
    ],
  },
  { mail: mail("<>"), rcpts: [rcpt(), rcpt("<nobody@nowhere.invalid>")], headers: [] },
  {
    mail: mail("<user@[192.0.2.1]>"),
    headers: [
      ...HEADERS,
      header("Subject", " again"),
      header("X-Spam-Flag", " YES"),
      header("X-Spam-Flag", " NO"),
    ],
    chunks: Array.from({ length: 20 }, (_, at) => body(`Line ${at} of many\r\n`)),
  },
];

/** All that a milter says to these mails, each on a connection of its own. */
async function provoked(stand: Stand, change = {}): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (const parts of PROVOKING) {
    const talk = await stand.open(change);
    await talk.play([...greeting(), ...message(parts)]);
    await talk.finish();
    replies.push(...talk.replies.map(({ reply }) => reply));
  }
  return replies;
}

/** A case about replies of some kinds: how they stand is judged by whoever hears them, what they hold by `check`. */
function replyCase(
  name: string,
  about: string,
  rule: string,
  kinds: readonly ReplyType[],
  check: (reply: Reply) => void = () => {},
): Case {
  return {
    name,
    about,
    rule,
    async play(stand) {
      const replies = (await provoked(stand)).filter(({ type }) => kinds.includes(type));
      if (replies.length === 0) throw new NotApplicable("it gives no such answer to these mails");
      replies.forEach(check);
    },
  };
}

/** What an edit may not hold: MTAs pass much of it on. */
function checkEdit(reply: Reply): void {
  const refuse = (why: string) => {
    throw new Fault(`says ${spelled(reply.type)} ${why}`);
  };
  if ("name" in reply) {
    const name = decodeText(reply.name);
    if (!/^[!-9;-~]+$/.test(name)) refuse(`with the name ${JSON.stringify(name)}, which is none of a header`);
    // A line that begins with no space is another header, or the end of all.
    if (/\n(?![ \t])|\r(?!\n)/.test(decodeText(reply.value))) {
      refuse(`${name} with a line break that is no fold`);
    }
  }
  if ("address" in reply) {
    const address = decodeText(reply.address);
    // deno-lint-ignore no-control-regex
    if (address === "" || /[\x00-\x1f\x7f]/.test(address)) {
      refuse(`with the address ${JSON.stringify(address)}`);
    }
  }
  if (reply.type === "quarantine" && /[\r\n]/.test(decodeText(reply.reason))) {
    refuse("with a reason of several lines");
  }
}

/** What is said, and where. */
export const ANSWER_CASES: readonly Case[] = [
  {
    name: "one-answer",
    about: "mails of several kinds: one answer to each command",
    rule: "an answer too many is taken for the next command's",
    play: async (stand) => void await provoked(stand),
  },
  {
    name: "unanswered",
    about: "macros and ABORT, again and again",
    rule: "they have no answer",
    async play(stand) {
      const talk = await stand.greeted();
      for (let count = 0; count < 20; count++) {
        await talk.say(macros("M", { i: "id" }));
        await talk.say(ABORT);
        await talk.flush();
      }
      await talk.play(message());
      await talk.finish();
    },
  },
  {
    name: "pipelined",
    about: "all commands that it agreed not to answer in one segment",
    rule: "an MTA does not wait where no answer comes",
    async play(stand) {
      const talk = await stand.open();
      const flags = NO_REPLY.reduce((sum, flag) => sum | flag) & talk.agreement.protocol;
      if (flags === 0) throw new NotApplicable("it answers every command");
      talk.gathers = true;
      await talk.play([...greeting(), ...message(), ...message()]);
      await talk.finish();
    },
  },
  {
    name: "skip-place",
    about: "a body of 30 chunks, where SKIP may be said and where not",
    rule: "SKIP answers a chunk of the body only, and only if agreed; else mail passes unseen",
    async play(stand) {
      const chunks = Array.from({ length: 30 }, (_, at) => body(`Chunk ${at}\r\n`));
      for (const change of [{}, NO_SKIP, { protocol: PROTOCOL.SKIP }]) {
        const talk = await stand.offer(change);
        if (talk === undefined) continue;
        await talk.play([...greeting(), ...message({ chunks })]);
        talk.need("body");
        await talk.finish();
      }
    },
  },
  replyCase(
    "edits-place",
    "edits, where it makes any",
    "they stand between the end of a message and its answer, nowhere else",
    EDITS,
  ),
  replyCase(
    "edits-form",
    "names, values and addresses in its edits",
    "MTAs check next to nothing",
    EDITS,
    checkEdit,
  ),
  {
    name: "edits-agreed",
    about: "mails under offers of all actions, and of one only",
    rule: "no MTA checks it: both make edits that were not agreed",
    async play(stand) {
      let edits = 0;
      for (const actions of [USUAL_OFFER.actions, ...Object.values(ACTION)]) {
        const talk = await stand.offer({ actions });
        if (talk === undefined) continue;
        await talk.play([...greeting(), ...message()]);
        await talk.finish();
        edits += talk.replies.filter(({ reply }) => EDITS.includes(reply.type)).length;
      }
      if (edits === 0) throw new NotApplicable("it makes no edits in these mails");
    },
  },
  replyCase(
    "body-together",
    "a new body, where it gives one",
    "Postfix fails the mail if anything stands between its pieces",
    ["replaceBody"],
  ),
  replyCase(
    "progress-place",
    "PROGRESS, where it says so",
    "after the end of a message only: elsewhere it fails the mail",
    ["progress"],
  ),
  replyCase(
    "reply-text",
    "the texts of its refusals",
    "4xx or 5xx on each line, an enhanced code of the same class, no control characters",
    ["replyCode"],
    (reply) => checkPercent(reply),
  ),
  {
    name: "known-answers",
    about: "answers of a kind that may stand there",
    rule: "SHUTDOWN and CONN_FAIL lose mail, DISCARD is ignored before MAIL",
    async play(stand) {
      const talk = await stand.open();
      await talk.play([...greeting(), ...message(), ABORT, ...message({ headers: [], chunks: [] })]);
      await talk.finish();
    },
  },
];

/** Sendmail throws a reply with a single `%` away. */
function checkPercent(reply: Reply): void {
  if (reply.type !== "replyCode") return;
  const text = decodeText(reply.text);
  if (/%/.test(text.replaceAll("%%", ""))) {
    throw new Fault(`says a single % in a reply: ${JSON.stringify(text)}`);
  }
}
