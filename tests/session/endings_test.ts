/** Rule 7: a message that goes away takes its run with it, and nothing else. */

import { accept, type Filter, MilterError, reject, type Session } from "../../mod.ts";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows, test } from "../harness.ts";
import { GREETING, helo, type Line, mail, MESSAGE, rcpt } from "../mta_commands.ts";
import { type MtaPlayer, play, settle } from "../mta_player.ts";
import { deferred } from "../deferred.ts";
import { unheard } from "../rejections.ts";

/** What ends a message before its verdict, and whether the connection goes on. */
const ENDINGS: readonly {
  readonly what: string;
  readonly end: (mta: MtaPlayer) => unknown;
  readonly goesOn: boolean;
}[] = [
  { what: "ABORT", end: (mta) => mta.say("abort"), goesOn: true },
  { what: "a new MAIL", end: (mta) => mta.say("mail"), goesOn: true },
  { what: "a new HELO", end: (mta) => mta.say("helo"), goesOn: true },
  { what: "another client", end: (mta) => mta.say("quitNewConnection"), goesOn: true },
  { what: "QUIT", end: (mta) => mta.say("quit"), goesOn: false },
  { what: "the MTA's end of the connection", end: (mta) => mta.wire.end(), goesOn: false },
  { what: "a lost connection", end: (mta) => mta.wire.reset(), goesOn: false },
];

/** What a run was told of its end. */
interface Witness {
  code?: string;
  reason?: unknown;
  cleanedUp?: boolean;
  readonly told: Promise<void>;
}

/** A filter that waits for the end of its message, and notes what comes instead. */
function witness(): { readonly filter: Filter; readonly runs: Witness[] } {
  const runs: Witness[] = [];
  const filter: Filter = async (session) => {
    let tell = () => {};
    const run: Witness = { told: new Promise((resolve) => tell = resolve) };
    runs.push(run);
    session.signal.addEventListener("abort", () => run.reason = session.signal.reason);
    try {
      await session.endOfMessage();
      return accept();
    } catch (error) {
      if (error instanceof MilterError) run.code = error.code;
      throw error;
    } finally {
      run.cleanedUp = true;
      tell();
    }
  };
  return { filter, runs };
}

for (const { what, end, goesOn } of ENDINGS) {
  test(`Session ends by ${what}: its wait fails, its signal aborts, its finally runs`, async () => {
    const { filter, runs } = witness();
    await using mta = await play(filter);
    await mta.play([...GREETING, ...MESSAGE.slice(0, 4)]);
    await end(mta);
    const [run] = runs;
    await run!.told;
    assertEquals([run!.code, run!.cleanedUp], ["ABORTED", true]);
    assert(run!.reason instanceof MilterError && run!.reason.code === "ABORTED");
    if (goesOn) {
      if (what === "another client") await mta.play(GREETING);
      assertEquals((await mta.play(MESSAGE)).at(-1), "endOfMessage: accept");
    } else await mta.served;
  });
}

test("Session that ends logs nothing: that mail comes and goes is nobody's error", async () => {
  for (const { end } of ENDINGS) {
    const { filter, runs } = witness();
    await using mta = await play(filter);
    await mta.play([...GREETING, ...MESSAGE.slice(0, 2)]);
    await end(mta);
    await runs[0]!.told;
    await settle();
    assertEquals(mta.takeLogs(), []);
  }
});

test("Session of a message that has gone is dead, and cannot touch the next", async () => {
  let zombie: Session | undefined;
  let release = () => {};
  const verdicts: string[] = [];
  await using mta = await play(async (session) => {
    if (zombie === undefined) {
      zombie = session;
      await session.envelopeFrom();
      await new Promise<void>((resolve) => release = resolve);
      verdicts.push("late");
      return reject();
    }
    await session.endOfMessage();
    return accept();
  });
  await mta.play(GREETING);
  const held = mta.say(mail("<one@example.com>"));
  await settle();
  // The MTA gives the first message up while the filter looks at its MAIL.
  mta.wire.write(Uint8Array.of(0, 0, 0, 1, 0x41));
  await settle();
  release();
  assertEquals(await held, ["reject"]);
  assertEquals(verdicts, ["late"]);
  assertEquals((await mta.play(MESSAGE)).at(-1), "endOfMessage: accept");
});

test("Session that was aborted answers every question and edit with ABORTED, and knows its mail still", async () => {
  const sessions: Session[] = [];
  await using mta = await play(async (session) => {
    sessions.push(session);
    await session.endOfMessage();
    return accept();
  });
  await mta.play([...GREETING, mail("<one@example.com>"), "rcpt", "abort", mail("<two@example.com>")]);
  const [dead, live] = sessions as [Session, Session];
  const questions: readonly ((session: Session) => Promise<unknown>)[] = [
    (session) => session.helo(),
    (session) => session.envelopeFrom(),
    (session) => session.envelopeRecipients()[Symbol.asyncIterator]().next(),
    (session) => session.extension("RCPT"),
    (session) => session.headers.collect(),
    (session) => session.body.collect(),
    (session) => session.body.stream().getReader().read(),
    (session) => session.message().getReader().read(),
    (session) => session.endOfMessage(),
  ];
  for (const ask of questions) {
    assertEquals((await assertRejects(() => ask(dead), MilterError)).code, "ABORTED");
  }
  const edits: readonly (() => void)[] = [
    () => dead.headers.append("X-Dead", "v"),
    () => dead.body.replace(""),
    () => dead.changeSender(""),
    () => dead.addRecipient("a@example.com"),
    () => dead.removeRecipient("a@example.com"),
    () => dead.quarantine("why"),
  ];
  for (const edit of edits) assertEquals(assertThrows(edit, MilterError).code, "ABORTED");
  assertEquals([dead.progress(), dead.signal.aborted, live.signal.aborted], [false, true, false]);
  assertStrictEquals(dead.connection, live.connection);
  assertEquals((await live.envelopeFrom()).address, "two@example.com");
  assertEquals((await mta.play(MESSAGE.slice(1))).at(-1), "endOfMessage: accept");
});

test("Session.signal that is first looked at after the end has aborted already", async () => {
  const sessions: Session[] = [];
  await using mta = await play(async (session) => {
    sessions.push(session);
    await session.endOfMessage();
    return accept();
  });
  await mta.play([...GREETING, ...MESSAGE.slice(0, 2), "abort", ...MESSAGE]);
  assertEquals(sessions.map(({ signal }) => signal.aborted), [true, false]);
});

test("Session.signal does not abort after a verdict", async () => {
  let signal: AbortSignal | undefined;
  await using mta = await play((session) => {
    signal = session.signal;
    return accept();
  });
  await mta.play([...GREETING, "mail"]);
  await mta.say("abort");
  await mta.say("quit");
  await mta.served;
  assertEquals(signal!.aborted, false);
});

test("Session of a second HELO before any mail goes on, and knows the new name", async () => {
  const names: (string | undefined)[] = [];
  await using mta = await play(async (session) => {
    names.push((await session.helo())?.hostname);
    await session.envelopeFrom();
    names.push((await session.helo())?.hostname);
    return accept();
  });
  assertEquals(await mta.play(["connect", helo("first"), helo("second"), "mail"]), [
    "connect: continue",
    "helo: continue",
    "helo: continue",
    "mail: accept",
  ]);
  assertEquals(names, ["first", "second"]);
});

test("Session of another client on the same socket finds nothing of the one before", async () => {
  const seen: unknown[] = [];
  await using mta = await play(async (session) => {
    const { connection: { host, address }, macros } = session;
    await session.envelopeFrom();
    seen.push([host, address, (await session.helo())?.hostname, macros.get("j")]);
    return accept();
  });
  await mta.macros("C", { j: "mx.example.com" });
  await mta.play([...GREETING, "mail"]);
  await mta.say("quitNewConnection");
  await mta.play([{
    type: "connect",
    hostname: "other",
    family: "unknown",
    port: undefined,
    address: undefined,
  }]);
  await mta.play(["mail"]);
  assertEquals(seen, [
    ["client.example", "192.0.2.1", "client.example", "mx.example.com"],
    ["other", undefined, undefined, undefined],
  ]);
});

test("Peer that has closed its side still gets its answer, and then the end", async () => {
  for (const last of ["mail", "endOfMessage"] as const) {
    let go = () => {};
    const gone = new Promise<void>((resolve) => go = resolve);
    await using mta = await play(async (session) => {
      await (last === "mail" ? session.envelopeFrom() : session.endOfMessage());
      await gone;
      session.headers.append("X-New", "v");
      return last === "mail" ? reject() : accept();
    });
    const lines: Line[] = [...GREETING, ...MESSAGE];
    await mta.play(lines.slice(0, lines.indexOf(last)));
    const answer = mta.say(last);
    mta.wire.end();
    await settle();
    go();
    assertEquals(
      await answer,
      last === "mail" ? ["reject"] : ['insertHeader 2147483647 "X-New" " v"', "accept"],
    );
    await mta.readEnd();
    await mta.served;
  }
});

test("Filter that holds a peer which has closed its side is given some time, and then up", async () => {
  const { promise: aborted, resolve } = deferred<unknown>();
  await using mta = await play(async (session) => {
    session.signal.addEventListener("abort", () => resolve(session.signal.reason));
    await session.helo();
    await aborted;
    return accept();
  }, { timeouts: { halfOpen: 20 } });
  await mta.say("connect");
  const answer = assertRejects(() => mta.say("helo"), Error, "helo has no answer");
  mta.wire.end();
  await answer;
  const reason = await aborted;
  assert(reason instanceof MilterError && reason.code === "ABORTED");
  assertEquals(mta.takeLogs().map(({ level }) => level), ["warning"]);
});

test("Session leaves no promise that fails unheard, whatever its filter leaves behind", async () => {
  const leaveBehind = (session: Session): void => {
    session.helo();
    session.envelopeFrom();
    session.extension("NOOP");
    session.data();
    session.headers.collect();
    session.headers.get("Subject");
    session.body.collect();
    session.body.collect({ limit: 1 });
    session.message();
    session.endOfMessage();
  };
  const filters: readonly Filter[] = [
    (session) => (leaveBehind(session), reject()),
    async (session) => {
      leaveBehind(session);
      await session.endOfMessage();
      return accept();
    },
  ];
  const errors = await unheard(async () => {
    for (const { end } of ENDINGS) {
      await using mta = await play(filters[1]!);
      await mta.play([...GREETING, ...MESSAGE.slice(0, 5)]);
      await end(mta);
    }
    for (const filter of filters) {
      await using mta = await play(filter);
      await mta.play([...GREETING, ...MESSAGE]);
    }
  });
  assertEquals(errors, []);
});

test("Session hears of the end of a message whose recipients it is going through", async () => {
  const codes: string[] = [];
  await using mta = await play(async (session) => {
    try {
      for await (const recipient of session.envelopeRecipients()) recipient.reject();
    } catch (error) {
      if (error instanceof MilterError) codes.push(error.code);
    }
    return accept();
  });
  await mta.play([...GREETING, "mail"]);
  assertEquals(await mta.say(rcpt("<a@example.com>")), ["reject"]);
  await mta.say("abort");
  await settle();
  assertEquals(codes, ["ABORTED"]);
});
