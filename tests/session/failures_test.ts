/** Rule 8: a filter that fails gets the policy's answer, is logged, and harms no other. */

import {
  accept,
  defineFilter,
  discard,
  type ErrorPolicy,
  type Filter,
  MilterError,
  quarantine,
  reject,
  type Session,
  tempfail,
  type Verdict,
} from "../../mod.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes, test } from "../harness.ts";
import { CONVERSATION, GREETING, MESSAGE } from "../mta_commands.ts";
import { play } from "../mta_player.ts";
import { deferred } from "../deferred.ts";
import { arrive, STAGES } from "./stages.ts";

const boom = new Error("boom");

/** Ways to fail, what is logged of it, and the code of an error of the library's own. */
const FAILURES: readonly {
  readonly what: string;
  readonly filter: Filter;
  readonly message: string;
  readonly code?: string;
}[] = [
  { what: "throws later", filter: () => Promise.reject(boom), message: "boom" },
  {
    what: "throws at once",
    filter: () => {
      throw boom;
    },
    message: "boom",
  },
  {
    what: "throws what is no error",
    filter: () => Promise.reject("a string"),
    message: "The filter failed: a string",
  },
  {
    what: "throws nothing",
    filter: () => Promise.reject(undefined),
    message: "The filter failed: undefined",
  },
  ...[undefined, null, true, "accept", {}, { type: "maybe" }, { type: "quarantine" }, accept].map((
    value,
  ) => ({
    what: `returns ${typeof value === "function" ? "a function" : JSON.stringify(value)}`,
    filter: () => value as Verdict,
    message: "which is no verdict",
    code: "FILTER",
  })),
  {
    what: "never returns",
    filter: () => new Promise<Verdict>(() => {}),
    message: "Cannot wait for the filter",
    code: "TIMEOUT",
  },
];

for (const { what, filter, message, code } of FAILURES) {
  test(`Filter that ${what} gets its message a tempfail, and a line in the log`, async () => {
    await using mta = await play(filter, { timeouts: { event: 20 } });
    assertEquals(await mta.say("connect"), ["tempfail"]);
    const [entry, ...more] = mta.takeLogs();
    assertEquals([entry?.level, entry?.stage, more], ["error", "connect", []]);
    assertStringIncludes(entry!.message, message);
    if (code !== undefined) assert(entry!.error instanceof MilterError && entry!.error.code === code);
  });
}

const failing: ErrorPolicy = () => {
  throw new Error("the policy too");
};

/** Policies, and what is answered by them at MAIL. */
const POLICIES: readonly (readonly [what: string, policy: ErrorPolicy | undefined, answer: string])[] = [
  ["none", undefined, "tempfail"],
  ["tempfail", "tempfail", "tempfail"],
  ["accept", "accept", "accept"],
  ["reject", "reject", "reject"],
  ["a function that rejects", () => reject("554 Broken"), 'replyCode "554 Broken"'],
  ["a function that tempfails", () => tempfail(), "tempfail"],
  ["a function that discards", () => discard(), "discard"],
  ["a function that fails", failing, "tempfail"],
  ["a function without a verdict", (() => undefined) as unknown as ErrorPolicy, "tempfail"],
  ["a function of promises", (() => Promise.resolve(accept())) as unknown as ErrorPolicy, "tempfail"],
];

for (const [what, onError, answer] of POLICIES) {
  test(`Filter that fails is answered for by the policy: ${what}`, async () => {
    const filter: Filter = async (session) => {
      await session.envelopeFrom();
      session.headers.append("X-Half", "done");
      throw boom;
    };
    await using mta = await play(filter, onError === undefined ? {} : { onError });
    assertEquals((await mta.play([...GREETING, "mail"])).at(-1), `mail: ${answer}`);
    const logs = mta.takeLogs();
    assert(logs.every(({ level, stage }) => level === "error" && stage === "mail"));
    const policyFailed = /that fails|without|promises/.test(what);
    assertEquals(logs.map(({ message }) => message.split(":")[0]), [
      "The filter failed",
      ...policyFailed ? ["onError failed"] : [],
    ]);
  });
}

test("A policy is told the error and the session", async () => {
  const told: unknown[] = [];
  const onError = (error: unknown, session: Session) => {
    told.push(error, session.connection.host);
    return reject();
  };
  await using mta = await play(() => Promise.reject(boom), { onError });
  assertEquals(await mta.say("connect"), ["reject"]);
  assertEquals(told, [boom, "client.example"]);
  mta.takeLogs();
});

test("A policy may quarantine where the MTA can, and tempfails where it cannot", async () => {
  const filter: Filter = async (session) => {
    await session.envelopeFrom();
    throw boom;
  };
  const onError = () => quarantine("the filter failed");
  await using able = await play(filter, { onError });
  assertEquals((await able.play(CONVERSATION)).slice(-2), [
    'endOfMessage: quarantine "the filter failed"',
    "endOfMessage: accept",
  ]);
  able.takeLogs();
  await using unable = await play(filter, { onError, actions: 0 });
  assertEquals((await unable.play(CONVERSATION)).at(-1), "mail: tempfail");
  assertEquals(unable.takeLogs().length, 2);
});

test("A policy that is none is refused before anything is served", async () => {
  for (const onError of ["maybe", "toString", 7] as unknown as ErrorPolicy[]) {
    await assertRejects(() => play(accept, { onError }), TypeError, "onError");
  }
});

test("Filter that fails drops its edits, even where the policy accepts", async () => {
  await using mta = await play(async (session) => {
    session.headers.append("X-Half", "done");
    session.quarantine("perhaps");
    await session.endOfMessage();
    throw boom;
  }, { onError: "accept" });
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
  mta.takeLogs();
});

test("Filter that fails at any stage is logged with the stage, the queue id, its name and the error", async () => {
  for (const stage of STAGES) {
    const filter = defineFilter({ name: "breaks" }, async (session) => {
      await arrive(session, stage);
      throw boom;
    });
    await using mta = await play(filter, { protocol: 0 });
    for (const line of CONVERSATION) {
      if (line === "mail") await mta.macros("M", { i: "4bXyZ12345" });
      await mta.say(line);
    }
    const [entry, ...more] = mta.takeLogs().filter(({ level }) => level !== "debug");
    const queueId = STAGES.indexOf(stage) < STAGES.indexOf("mail") ? undefined : "4bXyZ12345";
    assertEquals([entry?.stage, entry?.queueId, entry?.filter], [stage, queueId, "breaks"]);
    assertEquals([entry?.error, more], [boom, []]);
  }
});

test("Filter that overruns its deadline is told by its signal, and comes too late with its verdict", async () => {
  let release = () => {};
  let reason: unknown;
  await using mta = await play(async (session) => {
    session.signal.addEventListener("abort", () => reason = session.signal.reason);
    await session.envelopeFrom();
    await new Promise<void>((resolve) => release = resolve);
    return accept();
  }, { timeouts: { event: 20 } });
  assertEquals((await mta.play([...GREETING, "mail"])).at(-1), "mail: tempfail");
  assert(reason instanceof MilterError && reason.code === "TIMEOUT");
  release();
  // The next message is judged by a run of its own, and meets its own deadline.
  assertEquals(await mta.play(MESSAGE), ["mail: tempfail"]);
  release();
  assertEquals(mta.takeLogs().map(({ stage }) => stage), ["mail", "mail"]);
});

test("Filter has a deadline of its own at the end of the message", async () => {
  await using mta = await play(async (session) => {
    await session.endOfMessage();
    return new Promise<Verdict>(() => {});
  }, { timeouts: { event: 60_000, endOfMessage: 20 } });
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: tempfail");
  assertEquals(mta.takeLogs().map(({ stage }) => stage), ["endOfMessage"]);
});

test("Filter that asks on in time may take as long as it likes over all", async () => {
  await using mta = await play(async (session) => {
    for (const stage of STAGES) {
      await arrive(session, stage);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    return accept();
  }, { timeouts: { event: 200 } });
  assertEquals((await mta.play(CONVERSATION)).at(-1), "endOfMessage: accept");
});

test("Filter that fails harms neither the next message nor another connection", async () => {
  let runs = 0;
  const filter: Filter = async (session) => {
    runs++;
    await session.envelopeFrom();
    if (runs === 2) throw boom;
    return accept();
  };
  await using other = await play(filter);
  await other.play(GREETING);
  await using mta = await play(filter);
  assertEquals((await mta.play(CONVERSATION)).at(-1), "mail: tempfail");
  assertEquals(await mta.play(MESSAGE), ["mail: accept"]);
  assertEquals(await other.play(MESSAGE), ["mail: accept"]);
  mta.takeLogs();
});

test("Filter that fails after its message is over is only worth a debug line", async () => {
  const gone = deferred<void>();
  await using mta = await play(async (session) => {
    await session.endOfMessage().catch(() => {});
    await gone.promise;
    throw boom;
  });
  await mta.play([...GREETING, "mail"]);
  await mta.say("abort");
  gone.resolve();
  await mta.play(MESSAGE.slice(0, 1));
  assertEquals(mta.takeLogs().map(({ level, error }) => [level, error]), [["debug", boom]]);
});

test("A log that fails costs no mail", async () => {
  const kept = console.error;
  const lines: string[] = [];
  console.error = (line: string) => void lines.push(line);
  try {
    const log = () => {
      throw new Error("disk full");
    };
    await using mta = await play(() => Promise.reject(boom), { log });
    assertEquals(await mta.say("connect"), ["tempfail"]);
  } finally {
    console.error = kept;
  }
  assertEquals(lines.length, 1);
});
