/** Rules 3 and 5: one verdict for the whole message, said at the first place where it may be. */

import {
  accept,
  type Declaration,
  defineFilter,
  discard,
  MilterError,
  quarantine,
  reject,
  type Session,
  tempfail,
  type Verdict,
} from "../../mod.ts";
import { COMMANDS, type CommandType } from "../../src/protocol/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows, test } from "../harness.ts";
import { CONVERSATION, GREETING, type Line, MESSAGE } from "../mta_commands.ts";
import { play, type PlayOptions } from "../mta_player.ts";
import { arrive, STAGES } from "./stages.ts";

const IN_MESSAGE = STAGES.slice(2);

/** Each verdict, what it is on the wire, and the commands that it may answer. */
const VERDICTS: readonly {
  readonly verdict: Verdict;
  readonly says: readonly string[];
  readonly answers: readonly CommandType[];
}[] = [
  { verdict: accept(), says: ["accept"], answers: IN_MESSAGE },
  { verdict: reject(), says: ["reject"], answers: STAGES },
  { verdict: reject("None shall pass"), says: ['replyCode "550 5.7.1 None shall pass"'], answers: STAGES },
  { verdict: tempfail(), says: ["tempfail"], answers: STAGES },
  { verdict: tempfail("450 Later"), says: ['replyCode "450 Later"'], answers: STAGES },
  { verdict: discard(), says: ["discard"], answers: IN_MESSAGE },
  { verdict: quarantine("spam?"), says: ['quarantine "spam?"', "accept"], answers: ["endOfMessage"] },
];

/** Filters by what they answer, and MTAs by what they offer. */
const AGREEMENTS: readonly {
  readonly name: string;
  readonly answers?: Declaration["answers"];
  readonly options?: PlayOptions;
}[] = [
  { name: "a filter that declares nothing" },
  { name: "an MTA that offers no flags", options: { protocol: 0 } },
  { name: "an MTA of version 2", options: { version: 2, actions: 0x3f, protocol: 0x7f } },
  { name: "a filter that answers nothing", answers: [] },
  { name: "a filter that answers connections", answers: ["connect", "helo"] },
  { name: "a filter that answers recipients", answers: ["rcpt"] },
  { name: "a filter that answers headers", answers: ["headers"] },
  { name: "a filter that answers the body", answers: ["body"] },
];

/** Whether a filter answers a command, whatever the MTA offers: by default all but single headers. */
function isAnswered(type: CommandType, answers: Declaration["answers"]): boolean {
  if (type === "endOfMessage") return true;
  if (answers === undefined) return type !== "header";
  const sight = type === "header" || type === "endOfHeaders" ? "headers" : type;
  return answers.some((answer) => answer === sight);
}

for (const { name, answers, options } of AGREEMENTS) {
  test(`Session says a verdict of any stage at the first place where it may: ${name}`, async () => {
    for (const { verdict, says, answers: mayAnswer } of VERDICTS) {
      for (const stage of STAGES) {
        const judge = async (session: Session) => {
          await arrive(session, stage);
          return verdict;
        };
        await using mta = await play(
          answers === undefined ? judge : defineFilter({ answers }, judge),
          options,
        );
        const { version, protocol } = mta.agreement;
        const wanted: string[] = [];
        for (const [at, type] of STAGES.entries()) {
          const { silent = 0, since = 0 } = COMMANDS[type];
          if ((protocol & silent) !== 0 || version < since) continue;
          const given = at >= STAGES.indexOf(stage) && mayAnswer.includes(type) && isAnswered(type, answers);
          // A body that nobody reads, and a body after the verdict, is skipped where it can be.
          const pass = type === "body" && protocol !== 0 && version === 6 ? "skip" : "continue";
          wanted.push(...(given ? says : [pass]).map((reply) => `${type}: ${reply}`));
          // A refusal of RCPT is for the recipient only: the MTA goes on, and hears it again.
          if (given && (type !== "rcpt" || ["accept", "discard"].includes(says[0]!))) break;
        }
        assertEquals(await mta.play(CONVERSATION), wanted, `${verdict.type} at ${stage}`);
      }
    }
  });
}

test("Session repeats its verdict to every command of the message that still comes", async () => {
  const rest: readonly Line[] = ["rcpt", "rcpt", "data", "header", "endOfHeaders", "body", "endOfMessage"];
  for (const { verdict, says } of VERDICTS) {
    if (verdict.type === "quarantine") continue;
    await using mta = await play(async (session) => {
      await session.envelopeFrom();
      return verdict;
    }, { protocol: 0 });
    await mta.play(GREETING);
    for (const line of ["mail", ...rest] as const) {
      assertEquals(await mta.say(line), line === "header" ? ["continue"] : says);
    }
  }
});

test("Session carries an early accept to the end of the message if there are edits", async () => {
  for (const stage of STAGES) {
    await using mta = await play(async (session) => {
      await arrive(session, stage);
      session.headers.append("X-Seen", "yes");
      return accept();
    });
    const answers = await mta.play(CONVERSATION);
    assert(answers.slice(0, -2).every((line) => /: (continue|skip)$/.test(line)), `${stage}: ${answers}`);
    assertEquals(answers.slice(-2), [
      'endOfMessage: insertHeader 2147483647 "X-Seen" " yes"',
      "endOfMessage: accept",
    ]);
  }
});

test("Session drops edits at a refusal or a discard, and says it at once", async () => {
  for (const verdict of [reject(), tempfail(), discard()]) {
    for (const stage of IN_MESSAGE.filter((stage) => stage !== "header" && stage !== "rcpt")) {
      await using mta = await play(async (session) => {
        await arrive(session, stage);
        session.headers.append("X-Seen", "yes");
        session.quarantine("why not");
        return verdict;
      });
      const answers = await mta.play(CONVERSATION);
      assertEquals(answers.filter((line) => !/: (continue|skip)$/.test(line)), [`${stage}: ${verdict.type}`]);
    }
  }
});

test("Session holds an accept at CONNECT until MAIL, so that the next message is judged again", async () => {
  let runs = 0;
  await using mta = await play(() => {
    runs++;
    return runs === 1 ? accept() : reject();
  });
  assertEquals(await mta.play(CONVERSATION), ["connect: continue", "helo: continue", "mail: accept"]);
  assertEquals(await mta.play(MESSAGE), ["mail: reject"]);
  assertEquals(runs, 2);
});

test("Session holds to a refusal of the client until its first MAIL, and judges the next one anew", async () => {
  let runs = 0;
  await using mta = await play(() => ++runs === 1 ? reject("554 5.7.1 Go away") : accept());
  const refusal = ['replyCode "554 5.7.1 Go away"'];
  for (const line of ["connect", "helo", "helo", "mail"] as const) {
    assertEquals(await mta.say(line), refusal);
  }
  assertEquals(await mta.play(MESSAGE), ["mail: accept"]);
});

test("Session skips the rest of the body once the verdict is reached, where that was agreed", async () => {
  for (const [protocol, answer] of [[0x1fffff, "skip"], [0x1fffff & ~0x400, "continue"]] as const) {
    await using mta = await play(async (session) => {
      session.headers.append("X-Seen", "yes");
      await session.data();
      return accept();
    }, { protocol });
    assertEquals((await mta.play(CONVERSATION)).at(-3), `body: ${answer}`);
  }
});

test("Session answers nothing by two verdicts: what follows the first is SETTLED", async () => {
  let late: Promise<unknown> | undefined;
  await using mta = await play((session) => {
    late = assertRejects(() => session.endOfMessage(), MilterError);
    return accept();
  });
  assertEquals((await mta.play(CONVERSATION)).at(-1), "mail: accept");
  assertEquals((await late as MilterError).code, "SETTLED");
});

test("Verdicts cannot be changed", () => {
  for (const verdict of [...VERDICTS.map(({ verdict }) => verdict), reject({ code: 554, text: "a\nb" })]) {
    assert(Object.isFrozen(verdict));
    if ("reply" in verdict && verdict.reply) {
      assert(Object.isFrozen(verdict.reply));
      assert(Object.isFrozen(verdict.reply.lines));
    }
  }
});

/** Verdicts that no MTA would take, or whose text would be thrown away. */
const IMPOSSIBLE: readonly (readonly [what: string, build: () => Verdict])[] = [
  ["a rejection with 4xx", () => reject("451 4.7.1 Later")],
  ["a rejection with 2xx", () => reject("250 OK")],
  ["a tempfail with 5xx", () => tempfail("550 5.7.1 No")],
  ["a code that does not exist", () => reject({ code: 600 })],
  ["a code that is no number", () => reject({ code: "550" as unknown as number })],
  ["an enhanced code of another class", () => reject({ code: 550, enhanced: "4.7.1" })],
  ["a NUL in the text", () => reject("No\0")],
  ["a CR in the text", () => reject("No\rway")],
  ["33 lines", () => reject("line\n".repeat(33))],
  ["a line of 981 bytes", () => reject(`550 ${"x".repeat(977)}`)],
  ["a line of 981 bytes when its % are doubled", () => reject(`550 ${"%".repeat(489)}`)],
  ["an empty reason", () => quarantine(" ")],
  ["a reason of two lines", () => quarantine("spam\nor not")],
  ["a reason that is none", () => quarantine(undefined as unknown as string)],
];

test("Verdicts that cannot be sent cannot be built", () => {
  for (const [what, build] of IMPOSSIBLE) {
    const error = assertThrows(build);
    assert(error instanceof TypeError || error instanceof RangeError, what);
  }
});

test("Session sends the text of a reply so that every MTA shows it", async () => {
  const replies: readonly (readonly [Verdict, string])[] = [
    [reject("100% spam"), "550 5.7.1 100%% spam"],
    [reject("554 5.6.0 one\ntwo"), "554-5.6.0 one\r\n554 5.6.0 two"],
    [tempfail({ code: 452, enhanced: "4.2.2", text: "full" }), "452 4.2.2 full"],
    [reject("Größe"), "550 5.7.1 Gr??e"],
    [reject(`550 ${"x".repeat(976)}`), `550 ${"x".repeat(976)}`],
  ];
  for (const [verdict, text] of replies) {
    await using mta = await play(() => verdict);
    assertEquals(await mta.say("connect"), [`replyCode ${JSON.stringify(text)}`]);
  }
});

test("Session sends a reply in UTF-8 to a client that asked for SMTPUTF8", async () => {
  await using mta = await play(async (session) => {
    await session.data();
    return reject("Größe");
  });
  await mta.play([
    ...GREETING,
    { type: "mail", address: "<ä@example.com>", arguments: ["SMTPUTF8"] },
    "rcpt",
  ]);
  assertEquals(await mta.say("data"), ['replyCode "550 5.7.1 Größe"']);
});
