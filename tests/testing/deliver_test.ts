/** What a filter's author asserts on, for both MTAs. */

import {
  accept,
  defineFilter,
  discard,
  type Filter,
  MilterError,
  quarantine,
  reject,
  tempfail,
} from "../../mod.ts";
import { decodeText, PROTOCOL } from "../../src/protocol/mod.ts";
import {
  deliver,
  type DeliveryResult,
  type MtaName,
  testMta,
  type TestMtaOptions,
} from "../../src/testing/mod.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
  test,
} from "../harness.ts";

const MAIL = "Subject: Hello\nX-Old: 1\n\nHello,\nworld\n";
const MTAS: readonly MtaName[] = ["postfix", "sendmail"];
const quiet = () => {};

/** Declares a test for each MTA. */
function testOnBoth(name: string, body: (mta: MtaName) => Promise<void>): void {
  for (const mta of MTAS) test(`${mta} in memory: ${name}`, () => body(mta));
}

/** What a filter sees, in words. */
function seeing(see: (text: string) => void): Filter {
  return async (session) => {
    const { host, address, family } = session.connection;
    see(`${family} ${host} ${address}`);
    see(`helo ${(await session.helo())?.hostname}`);
    see(`from ${(await session.envelopeFrom()).address}`);
    for await (const recipient of session.envelopeRecipients()) see(`to ${recipient.address}`);
    for await (const header of session.headers) see(`${header.name}: ${header.value}`);
    for await (const chunk of session.body) see(`body ${chunk.length}`);
    return accept();
  };
}

testOnBoth("a mail that is accepted is delivered as it was", async (mta) => {
  const result = await deliver(() => accept(), MAIL, { mta, to: ["a@x.example", "b@x.example"] });
  assertEquals(result.outcome, "accepted");
  assertEquals(result.reply.code, 250);
  assertEquals(result.recipients.map(({ address, outcome }) => [address, outcome]), [
    ["a@x.example", "accepted"],
    ["b@x.example", "accepted"],
  ]);
  assertEquals(result.sender, "sender@client.example");
  assertEquals(result.deliveredTo, ["a@x.example", "b@x.example"]);
  assertEquals(result.message?.get("subject"), "Hello");
  assertEquals(result.message?.body, "Hello,\nworld\n");
  assertEquals(
    new TextDecoder().decode(result.message?.bytes),
    result.message?.text.replaceAll("\n", "\r\n"),
  );
  assertEquals([result.edits, result.logs, result.quarantine], [[], [], undefined]);
});

/** What each MTA tells the client, by the verdict; the transcripts hold the rest. */
const VERDICTS: readonly {
  readonly name: string;
  readonly filter: Filter;
  readonly outcome: DeliveryResult["outcome"];
  readonly replies: Readonly<Record<MtaName, string>>;
}[] = [
  {
    name: "reject at CONNECT",
    filter: () => reject("550 5.7.1 Go away"),
    outcome: "rejected",
    replies: { postfix: "550 5.7.1 Go away", sendmail: "550 5.0.0 Command rejected" },
  },
  {
    name: "tempfail at HELO",
    filter: async (session) => (await session.helo(), tempfail("451 4.7.1 Later")),
    outcome: "tempfailed",
    replies: { postfix: "451 4.7.1 Later", sendmail: "451 4.7.1 Later" },
  },
  {
    name: "421 at CONNECT",
    filter: () => tempfail("421 4.7.0 Busy"),
    outcome: "tempfailed",
    replies: {
      postfix: "421 mx.example Service unavailable - try again later",
      sendmail: "421 4.7.0 mx.example closing connection",
    },
  },
  {
    name: "reject at MAIL",
    filter: async (session) => (await session.envelopeFrom(), reject()),
    outcome: "rejected",
    replies: {
      postfix: "550 5.7.1 Command rejected",
      sendmail: "550 5.7.1 <sender@client.example>... Command rejected",
    },
  },
  {
    name: "reject at DATA, in two lines",
    filter: async (session) => (await session.data(), reject("554 5.6.0 No\n100% sure")),
    outcome: "rejected",
    replies: { postfix: "554-5.6.0 No\n554 5.6.0 100% sure", sendmail: "554-5.6.0 No\n554 5.6.0 100% sure" },
  },
  {
    name: "tempfail at the end of the message",
    filter: async (session) => (await session.endOfMessage(), tempfail()),
    outcome: "tempfailed",
    replies: {
      postfix: "451 4.7.1 Service unavailable - try again later",
      sendmail: "451 4.3.2 Please try again later",
    },
  },
  {
    name: "reject at the end of the message",
    filter: async (session) => (await session.endOfMessage(), reject()),
    outcome: "rejected",
    replies: { postfix: "550 5.7.1 Command rejected", sendmail: "554 5.7.1 Command rejected" },
  },
  {
    name: "421 at the end of the message",
    filter: async (session) => (await session.endOfMessage(), tempfail("421 4.3.2 Closing")),
    outcome: "tempfailed",
    replies: { postfix: "421 4.3.2 Closing", sendmail: "421 4.3.2 Closing" },
  },
];

for (const { name, filter, outcome, replies } of VERDICTS) {
  testOnBoth(`${name} refuses`, async (mta) => {
    const result = await deliver(filter, MAIL, { mta });
    assertEquals([result.outcome, result.reply.full], [outcome, replies[mta]]);
    assertEquals(result.recipients.map((recipient) => recipient.outcome), [outcome]);
    assertEquals([result.message, result.deliveredTo], [undefined, []]);
  });
}

testOnBoth(
  "a mail that is discarded looks accepted to the client, and is delivered to nobody",
  async (mta) => {
    const result = await deliver(() => discard(), MAIL, { mta });
    assertEquals([result.outcome, result.reply.code], ["discarded", 250]);
    assertEquals([result.message, result.deliveredTo], [undefined, []]);
  },
);

testOnBoth("a mail in quarantine is held, with its edits", async (mta) => {
  const result = await deliver(
    async (session) => {
      session.headers.append("X-New", "1");
      await session.endOfMessage();
      return quarantine("Looks odd");
    },
    MAIL,
    { mta },
  );
  assertEquals([result.outcome, result.quarantine, result.reply.code], ["quarantined", "Looks odd", 250]);
  assertEquals([result.message?.get("X-New"), result.deliveredTo], ["1", ["user@mx.example"]]);
});

testOnBoth("edits are made by the MTA's rules, and shown as they were sent", async (mta) => {
  const result = await deliver(
    async (session) => {
      for (const header of await session.headers.getAll("X-Old")) session.headers.delete(header);
      session.headers.append("X-New", "1");
      session.headers.insert("X-Top", "2", "start");
      session.changeSender("new@client.example");
      session.addRecipient("more@x.example", { arguments: ["NOTIFY=NEVER"] });
      session.removeRecipient("user@mx.example");
      session.body.replace("Good bye\r\n");
      return accept();
    },
    MAIL,
    { mta },
  );
  const own = ["Received", ...mta === "sendmail" ? ["Date", "From", "Message-Id"] : []];
  assertEquals(result.message?.headers.map(({ name }) => name), ["X-Top", ...own, "Subject", "X-New"]);
  assertEquals(result.message?.body, "Good bye\n");
  assertEquals([result.sender, result.deliveredTo], ["new@client.example", ["more@x.example"]]);
  assertEquals(result.edits.filter(({ type }) => !type.endsWith("Header")).map(({ type }) => type).sort(), [
    ...["addRecipientWithArguments", "changeSender", "removeRecipient", "replaceBody"],
  ]);
});

testOnBoth("recipients are judged one by one", async (mta) => {
  const filter: Filter = async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      if (recipient.address.startsWith("no")) recipient.reject("550 5.1.1 Nobody here");
      if (recipient.address.startsWith("later")) recipient.tempfail();
    }
    return accept();
  };
  const to = ["no@x.example", "yes@x.example", "later@x.example"];
  const result = await deliver(filter, MAIL, { mta, to });
  assertEquals(result.outcome, "accepted");
  assertEquals(result.recipients.map(({ outcome }) => outcome), ["rejected", "accepted", "tempfailed"]);
  assertEquals(
    result.recipients[0]?.reply.full,
    mta === "postfix" ? "550 5.1.1 Nobody here" : "550 5.1.1 <no@x.example>... Nobody here",
  );
  assertEquals(result.deliveredTo, ["yes@x.example"]);

  const none = await deliver(filter, MAIL, { mta, to: ["no@x.example", "nobody@x.example"] });
  assertEquals([none.outcome, none.message, none.deliveredTo], ["rejected", undefined, []]);
  const some = await deliver(filter, MAIL, { mta, to: ["later@x.example", "no@x.example"] });
  assertEquals(some.outcome, "tempfailed");
});

testOnBoth("an accept among the recipients lets the rest pass unseen", async (mta) => {
  const seen: string[] = [];
  const filter: Filter = async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      seen.push(recipient.address);
      return accept();
    }
    return reject();
  };
  const result = await deliver(filter, MAIL, { mta, to: ["a@x.example", "b@x.example"] });
  assertEquals([result.outcome, seen, result.edits], ["accepted", ["a@x.example"], []]);
  assertEquals(result.deliveredTo, ["a@x.example", "b@x.example"]);
});

testOnBoth("the filter sees the client, its greeting and the whole mail", async (mta) => {
  const seen: string[] = [];
  const result = await deliver(seeing((text) => void seen.push(text)), "A: 1\r\nB:\r\n 2\r\n\r\nbody\r\n", {
    mta,
    client: { name: "pc.example", address: "192.0.2.77", port: 1234 },
    helo: "pc",
    from: "<arthur@pc.example> SIZE=100",
    to: ["a@x.example", "<b@x.example> NOTIFY=NEVER"],
  });
  assertEquals(result.outcome, "accepted");
  assertEquals(seen, [
    "inet pc.example 192.0.2.77",
    "helo pc",
    "from arthur@pc.example",
    "to a@x.example",
    "to b@x.example",
    "A: 1",
    "B: 2",
    "body 6",
  ]);
});

/** Clients, and what a filter sees of them. */
const CLIENTS: readonly {
  readonly client: TestMtaOptions["client"];
  readonly sees: Readonly<Record<MtaName, string>>;
}[] = [
  {
    client: { name: null },
    sees: { postfix: "inet [192.0.2.1] 192.0.2.1", sendmail: "inet [192.0.2.1] 192.0.2.1" },
  },
  {
    client: { address: "2001:DB8:0:0::1" },
    sees: { postfix: "inet6 client.example 2001:db8::1", sendmail: "inet6 client.example 2001:db8::1" },
  },
  {
    client: { name: null, address: "2001:db8::1" },
    sees: {
      postfix: "inet6 [2001:db8::1] 2001:db8::1",
      sendmail: "inet6 [IPv6:2001:db8:0:0:0:0:0:1] 2001:db8::1",
    },
  },
  {
    client: { address: null },
    sees: { postfix: "inet unknown unknown", sendmail: "unknown client.example undefined" },
  },
  {
    client: { name: "localhost", address: "/run/submit" },
    sees: { postfix: "unix localhost /run/submit", sendmail: "unix localhost /run/submit" },
  },
];

for (const { client, sees } of CLIENTS) {
  testOnBoth(`tells of the client ${JSON.stringify(client)}`, async (mta) => {
    const seen: string[] = [];
    await deliver(seeing((text) => void seen.push(text)), MAIL, { mta, ...client && { client } });
    assertEquals(seen[0], sees[mta]);
  });
}

testOnBoth("Postfix makes headers that are missing for its own machine only, and shows them", async (mta) => {
  const seen: string[] = [];
  const filter: Filter = async (session) => {
    for await (const header of session.headers) seen.push(header.name);
    return accept();
  };
  const { message } = await deliver(filter, "Subject: Hi\n\n", { mta, client: { address: "127.0.0.1" } });
  assertEquals(seen.splice(0), mta === "postfix" ? ["Subject", "Message-Id", "Date", "From"] : ["Subject"]);
  assertEquals(message?.get("From"), "sender@client.example");
  assertEquals(
    (await deliver(filter, "Subject: Hi\n\n", { mta })).message?.get("From"),
    {
      postfix: undefined,
      sendmail: "sender@client.example",
    }[mta],
  );
  assertEquals(seen, ["Subject"]);
});

testOnBoth("a client without HELO, a null sender, an empty mail", async (mta) => {
  const seen: string[] = [];
  const result = await deliver(
    async (session) => {
      seen.push(`from <${(await session.envelopeFrom()).address}>`);
      for await (const header of session.headers) seen.push(header.name);
      for await (const chunk of session.body) seen.push(`body ${chunk.length}`);
      await session.endOfMessage();
      return accept();
    },
    "",
    { mta, helo: null, from: "" },
  );
  assertEquals([result.outcome, result.sender, seen], ["accepted", "", ["from <>"]]);
  assert(!result.conversation.includes("HELO"));
});

testOnBoth("a body comes in chunks of 65,535 bytes", async (mta) => {
  const sizes: number[] = [];
  await deliver(
    async (session) => {
      for await (const chunk of session.body) sizes.push(chunk.length);
      return accept();
    },
    `Subject: long\n\n${"x".repeat(98)}\n`.padEnd(140_000, `${"y".repeat(98)}\n`),
    { mta },
  );
  assertEquals(sizes.slice(0, 2), [65_535, 65_535]);
});

testOnBoth("macros come at their stages, those of the options first", async (mta) => {
  const seen: Record<string, string | undefined>[] = [];
  const names = [
    "i",
    "{client_ptr}",
    "{tls_version}",
    "{auth_authen}",
    "{mail_addr}",
    "{rcpt_addr}",
    "j",
    "{own}",
  ];
  const filter: Filter = async (session) => {
    const look = () => {
      seen.push(Object.fromEntries(names.map((name) => [name, session.macros.get(name)])));
    };
    await session.helo();
    look();
    await session.envelopeFrom();
    look();
    for await (const _ of session.envelopeRecipients()) look();
    await session.endOfMessage();
    look();
    return accept();
  };
  const macros = { "{tls_version}": "TLSv1.3", auth_authen: "arthur", own: "x", client_ptr: "ptr.example" };
  await deliver(filter, MAIL, { mta, macros, hostname: "mail.example", to: ["a@x.example", "b@x.example"] });
  const first = mta === "sendmail" ? "60FC0a00000001" : undefined;
  const later = mta === "sendmail" ? "60FC0a00000001" : "1A2B3C40001";
  assertEquals(seen.map(({ i }) => i), [undefined, first, first, later, later]);
  assertEquals(seen.map((at) => at["{auth_authen}"]), [undefined, ..."1234"].map((at) => at && "arthur"));
  assertEquals(seen.map((at) => at["{rcpt_addr}"]), [
    ...[undefined, undefined, "a@x.example", "b@x.example", "b@x.example"],
  ]);
  for (const at of seen) {
    assertEquals([at["j"], at["{own}"], at["{tls_version}"], at["{client_ptr}"]], [
      ...["mail.example", "x", "TLSv1.3", "ptr.example"],
    ]);
  }
});

testOnBoth("a filter gets the macros that it asks for", async (mta) => {
  let seen: unknown;
  const filter = defineFilter(
    { macros: { connect: ["v", "{client_addr}"], endOfHeaders: ["i"] } },
    (session) => {
      seen = session.macros.toObject();
      return accept();
    },
  );
  await deliver(filter, MAIL, { mta });
  const v = mta === "postfix" ? "Postfix 3.7.11" : "8.17.1.9";
  assertEquals(seen, { v, "{client_addr}": "192.0.2.1" });
});

testOnBoth("recipients that the MTA refuses are shown by Postfix to who asks for them", async (mta) => {
  const seen: string[] = [];
  const filter = defineFilter({ rejectedRecipients: true }, async (session) => {
    for await (const { address, refused } of session.envelopeRecipients()) seen.push(`${address} ${refused}`);
    return accept();
  });
  const result = await deliver(filter, MAIL, {
    mta,
    to: ["a@x.example", "nobody@x.example"],
    unknownRecipients: ["nobody@x.example"],
  });
  assertEquals(seen, ["a@x.example false", ...mta === "postfix" ? ["nobody@x.example true"] : []]);
  assertEquals(result.recipients.map(({ outcome }) => outcome), ["accepted", "rejected"]);
  assertMatch(result.recipients[1]!.reply.full, /^550 5\.1\.1 <nobody@x\.example>.* User unknown$/);
});

for (const version of [2, 3, 4, 5, 6] as const) {
  testOnBoth(`an MTA of version ${version}`, async (mta) => {
    const seen: string[] = [];
    const result = await deliver(seeing((text) => void seen.push(text)), MAIL, {
      mta,
      negotiate: { version },
    });
    assertEquals([result.outcome, seen.length], ["accepted", 7]);
    assertEquals(result.conversation.includes("> data"), version >= 4);
  });
}

testOnBoth("an MTA that offers less", async (mta) => {
  const filter = defineFilter({ edits: ["body"] }, async (session) => {
    await session.endOfMessage();
    session.body.replace("new\r\n");
    return accept();
  });
  const poor = await deliver(filter, MAIL, { mta, negotiate: { protocol: PROTOCOL.NO_UNKNOWN } });
  assertEquals([poor.outcome, poor.message?.body], ["accepted", "new\n"]);
  const without = await deliver(filter, MAIL, { mta, negotiate: { actions: 0 }, log: quiet });
  assertEquals(without.outcome, "tempfailed");
  assertMatch(without.logs[0]?.message ?? "", /lacks CHANGE_BODY/);
});

testOnBoth("a filter that throws: the policy's answer, and the error for its author", async (mta) => {
  const filter: Filter = async (session) => {
    await session.envelopeFrom();
    throw new RangeError("My own bug");
  };
  const result = await deliver(filter, MAIL, { mta, log: quiet });
  assertEquals(result.outcome, "tempfailed");
  assertMatch(result.reply.full, /^451 4\.\d\.\d /);
  assertEquals(result.logs.map(({ level }) => level), ["error"]);
  assert(result.logs[0]?.error instanceof RangeError);
  assertMatch(result.conversation, /! .*My own bug[^]*deliver_test\.ts/);
  const lenient = await deliver(filter, MAIL, { mta, log: quiet, onError: "accept" });
  assertEquals(lenient.outcome, "accepted");
});

testOnBoth("a filter that never answers: the MTA's default action", async (mta) => {
  const never: Filter = async (session) => {
    await session.helo();
    return await new Promise(() => {});
  };
  const outcomes: string[] = [];
  for (const defaultAction of ["tempfail", "reject", "accept", "shutdown"] as const) {
    const result = await deliver(never, MAIL, { mta, timeout: 20, defaultAction, log: quiet });
    outcomes.push(`${result.outcome} ${result.reply.full.slice(0, 9)}`);
    assertStringIncludes(
      result.conversation,
      "the milter has failed: Cannot wait: the milter has not answered",
    );
  }
  assertEquals(
    outcomes,
    mta === "postfix"
      ? ["tempfailed 451 4.7.1", "rejected 550 5.5.0", "accepted 250 2.0.0", "tempfailed 451 4.3.5"]
      : ["tempfailed 451 4.3.2", "rejected 550 5.0.0", "accepted 250 2.0.0", "tempfailed 421 4.7.0"],
  );
});

test("postfix in memory: quarantines what a failed filter has not seen, if it shall", async () => {
  const never: Filter = () => new Promise(() => {});
  const result = await deliver(never, MAIL, { timeout: 20, defaultAction: "quarantine", log: quiet });
  assertEquals([result.outcome, result.deliveredTo], ["quarantined", ["user@mx.example"]]);
});

testOnBoth("deadlines of the library hold too", async (mta) => {
  const result = await deliver(() => new Promise(() => {}), MAIL, {
    mta,
    timeouts: { event: 20 },
    log: quiet,
  });
  assertEquals(result.outcome, "tempfailed");
  assertEquals(result.logs.length, 1);
});

for (const vanishAfter of ["connect", "helo", "mail", "rcpt", "data"] as const) {
  testOnBoth(`a client that vanishes after ${vanishAfter}`, async (mta) => {
    const ended: string[] = [];
    const filter: Filter = async (session) => {
      session.signal.addEventListener("abort", () => ended.push("signal"));
      try {
        await session.endOfMessage();
        return accept();
      } catch (error) {
        ended.push((error as { code?: string }).code ?? "");
        throw error;
      }
    };
    const result = await deliver(filter, MAIL, { mta, vanishAfter });
    assertEquals([result.outcome, result.message, result.deliveredTo], ["aborted", undefined, []]);
    assertEquals(result.recipients[0]?.outcome, "aborted");
    assertEquals(ended.sort(), ["ABORTED", "signal"]);
  });
}

testOnBoth("several messages in one session, RSET between", async (mta) => {
  const seen: string[] = [];
  const filter: Filter = async (session) => {
    try {
      seen.push(`${session.connection.host} ${(await session.envelopeFrom()).address}`);
      const subject = await session.headers.get("Subject");
      seen.push(subject?.value ?? "none");
      return subject?.value === "no" ? reject() : accept();
    } catch (error) {
      seen.push((error as { code?: string }).code ?? "");
      throw error;
    }
  };
  await using session = testMta(filter, { mta });
  const first = await session.deliver("Subject: one\n\n", { from: "1@c.example" });
  const second = await session.deliver("Subject: no\n\n", { from: "2@c.example" });
  assertEquals((await session.mail("3@c.example")).code, 250);
  assertEquals((await session.rcpt("x@x.example")).code, 250);
  assertEquals((await session.reset()).code, 250);
  assertEquals((await session.reset()).code, 250);
  const last = await session.deliver("Subject: four\n\n", { from: "4@c.example" });
  assertEquals((await session.quit()).code, 221);
  assertEquals([first, second, last].map(({ outcome }) => outcome), ["accepted", "rejected", "accepted"]);
  assertEquals(seen, [
    ...["client.example 1@c.example", "one", "client.example 2@c.example", "no"],
    ...["client.example 3@c.example", "ABORTED", "client.example 4@c.example", "four"],
  ]);
  assert(!last.conversation.includes('Subject" " one'));
  assertStringIncludes(session.conversation, "QUIT");
  assertEquals(session.logs.filter(({ level }) => level !== "debug"), []);
});

testOnBoth("a client that vanishes from a session by hand", async (mta) => {
  let code: unknown;
  const filter: Filter = async (session) => {
    await session.endOfMessage().catch((error) => (code = error.code, Promise.reject(error)));
    return accept();
  };
  const session = testMta(filter, { mta });
  await session.mail();
  await session.rcpt();
  assertEquals((await session.data()).code, 354);
  await session.vanish();
  assertEquals(code, "ABORTED");
  await assertRejects(() => session.deliver(MAIL), MilterError, "the connection is closed");
});

testOnBoth("a command that is none", async (mta) => {
  const seen: string[] = [];
  const filter: Filter = async (session) => {
    seen.push(decodeText((await session.extension("XYZZY")).raw));
    return accept();
  };
  await using session = testMta(filter, { mta });
  const answer = await session.command("XYZZY and more");
  assertEquals([answer.code, seen], [500, [mta === "postfix" ? "XYZZY" : "XYZZY and more"]]);
});

testOnBoth("the conversation can be read", async (mta) => {
  const { conversation } = await deliver(() => accept(), MAIL, { mta });
  assertMatch(conversation, /^C: \(connects from client\.example \[192\.0\.2\.1\]\)$/m);
  assertMatch(conversation, /^ {3}> connect "client\.example" "inet" 40000 "192\.0\.2\.1"$/m);
  assertMatch(conversation, /^ {3}< accept$/m);
  assertMatch(conversation, /^S: 250 2\.0\.0 .*$/m);
  assertMatch(conversation, /^C: QUIT$/m);
});

test("a session is told one thing after the other", async () => {
  await using session = testMta(() => accept());
  const first = session.deliver(MAIL);
  await assertRejects(() => session.mail(), MilterError, "the last command waits for its answer");
  assertEquals((await first).outcome, "accepted");
});

/** Options that are none, and what is said of them. */
const BAD: readonly (readonly [options: object, why: RegExp])[] = [
  [{ mta: "exim" }, /mta must be one of postfix, sendmail/],
  [{ helo: "a\r\nb" }, /helo is no line of text/],
  [{ helo: 5 }, /helo is no line of text/],
  [{ client: { address: "192.0.2.256" } }, /client\.address "192\.0\.2\.256" is neither/],
  [{ client: { address: "client.example" } }, /is neither an IP address nor a path/],
  [{ client: { port: 70_000 } }, /client\.port 70000 is no port/],
  [{ from: "a@b.example\nRCPT TO:<c>" }, /from is no line of text/],
  [{ from: "a<b>@c.example" }, /from "a<b>@c\.example" is no address/],
  [{ to: [] }, /to names no recipient/],
  [{ to: ["<a@b.example"] }, /to "<a@b\.example" is no address/],
  [{ macros: { i: 5 } }, /macro i is no text/],
  [{ macros: { i: "a\0b" } }, /macro i is no text without a NUL/],
  [{ negotiate: { version: 7 } }, /negotiate\.version must be one of 2, 3, 4, 5, 6/],
  [{ defaultAction: "drop" }, /defaultAction must be one of/],
  [{ mta: "sendmail", defaultAction: "quarantine" }, /sendmail has no defaultAction "quarantine"/],
  [{ timeout: 0 }, /timeout is no positive number/],
  [{ date: "today" }, /date is no Date/],
  [{ hostname: "a\0" }, /hostname is no line of text/],
  [{ onError: "shrug" }, /onError must be one of/],
  [{ vanishAfter: "tea" }, /vanishAfter must be one of/],
];

for (const [options, why] of BAD) {
  test(`deliver refuses ${JSON.stringify(options)}`, async () => {
    await assertRejects(() => deliver(() => accept(), MAIL, options), TypeError);
    await deliver(() => accept(), MAIL, options).catch((error) => assertMatch(error.message, why));
  });
}

test("deliver fails with options that the server does not take", async () => {
  const options = { limits: { packetBytes: 0 } };
  await assertRejects(() => deliver(() => accept(), MAIL, options), RangeError, "the limit packetBytes");
});

test("deliver and testMta refuse what is no filter, and no message", async () => {
  await assertRejects(() => deliver(undefined as unknown as Filter, MAIL), TypeError);
  await assertRejects(() => deliver(() => accept(), 5 as unknown as string), TypeError);
  assertThrows(() => testMta(5 as unknown as Filter), TypeError);
});
