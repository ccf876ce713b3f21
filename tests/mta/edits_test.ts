/** What edits make of the mail that is delivered. */

import { accept, discard, type Filter, type Header, reject, serve, type Session } from "../../mod.ts";
import { assertEquals, assertMatch } from "../harness.ts";
import { BODY, HEADERS, type Headers, messageOf, sendMail } from "./mail.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { bodyOf, headersOf, type Mail } from "./smtp_sink.ts";

const MANY: Headers = [
  ["X-Dup", "one"],
  ["X-Other", "o"],
  ["X-Dup", "two"],
  ["x-dup", "three"],
  ...HEADERS,
];
const SENT: Headers = [["Subject", "hello"], ...MANY];

/** The mail that all of these tests send. */
const MESSAGE: string = messageOf("hello", BODY, MANY);

interface EditCase {
  readonly name: string;
  readonly edit: (session: Session) => void | Promise<void>;
  /** What is to be delivered. What is not named is to be as it was sent. */
  readonly gives: {
    readonly headers?: Headers;
    readonly body?: string;
    readonly from?: RegExp;
    readonly to?: readonly string[];
  };
}

const CASES: readonly EditCase[] = [
  {
    name: "headers.append() adds below all others",
    edit: ({ headers }) => {
      headers.append("X-New", "1");
      headers.append("X-Newer", "2");
    },
    gives: { headers: [...SENT, ["X-New", "1"], ["X-Newer", "2"]] },
  },
  {
    name: "headers.append() keeps folds and bytes above ASCII",
    edit: ({ headers }) => void headers.append("X-New", "first\n\tsécond"),
    gives: { headers: [...SENT, ["X-New", "first\r\n\ts\xc3\xa9cond"]] },
  },
  {
    name: 'headers.insert(…, "start") adds above all others',
    edit: ({ headers }) => void headers.insert("X-New", "1", "start"),
    gives: { headers: [["X-New", "1"], ...SENT] },
  },
  {
    name: 'headers.insert(…, "end") adds below all others',
    edit: ({ headers }) => void headers.insert("X-New", "1", "end"),
    gives: { headers: [...SENT, ["X-New", "1"]] },
  },
  {
    name: "headers.update() changes one of several by its identity",
    edit: async ({ headers }) => headers.update(await nth(headers.getAll("X-Dup"), 1), "changed"),
    gives: { headers: SENT.map((line) => line[1] === "two" ? ["X-Dup", "changed"] : line) },
  },
  {
    name: "headers.delete() takes one of several by its identity",
    edit: async ({ headers }) => headers.delete(await nth(headers.getAll("X-Dup"), 1)),
    gives: { headers: SENT.filter(([, value]) => value !== "two") },
  },
  {
    name: "headers.delete() takes them all, as they arrive",
    edit: async ({ headers }) => {
      for await (const header of headers) if (/^x-/i.test(header.name)) headers.delete(header);
    },
    gives: { headers: SENT.filter(([name]) => !/^x-/i.test(name)) },
  },
  {
    name: "headers.delete() and update() on namesakes hit the right ones",
    edit: async ({ headers }) => {
      const [one, two, three] = await headers.getAll("X-Dup");
      headers.delete(one!);
      headers.update(three!, "third");
      headers.delete(two!);
    },
    gives: { headers: SENT.filter(([, value]) => !["one", "two"].includes(value)).map(third) },
  },
  {
    name: "body.replace() with text",
    edit: ({ body }) => body.replace("new\r\n.body\r\n"),
    gives: { body: "new\r\n.body\r\n" },
  },
  {
    name: "body.replace() with more than a packet holds",
    edit: ({ body }) => body.replace(`${"x".repeat(70)}\r\n`.repeat(3_000)),
    gives: { body: `${"x".repeat(70)}\r\n`.repeat(3_000) },
  },
  {
    name: "body.replace() with nothing",
    edit: ({ body }) => body.replace(""),
    gives: { body: "" },
  },
  {
    name: "changeSender()",
    edit: (session) => session.changeSender("new@example.test"),
    gives: { from: /^<new@example\.test>/ },
  },
  {
    name: "changeSender() with arguments",
    edit: (session) => session.changeSender("new@example.test", { arguments: ["RET=HDRS", "ENVID=e1"] }),
    gives: { from: /^<new@example\.test>(?=.* RET=HDRS)(?=.* ENVID=e1)/ },
  },
  {
    name: "changeSender() to nobody",
    edit: (session) => session.changeSender(""),
    gives: { from: /^<>/ },
  },
  {
    name: "addRecipient()",
    edit: (session) => session.addRecipient("three@example.test"),
    gives: { to: ["<one@example.test>", "<three@example.test>", "<two@example.test>"] },
  },
  {
    name: "addRecipient() with arguments",
    edit: (session) => session.addRecipient("three@example.test", { arguments: ["NOTIFY=NEVER"] }),
    gives: { to: ["<one@example.test>", "<three@example.test>", "<two@example.test>"] },
  },
  {
    name: "removeRecipient()",
    edit: (session) => session.removeRecipient("one@example.test"),
    gives: { to: ["<two@example.test>"] },
  },
  {
    name: "every kind of edit at once, in no order",
    edit: async (session) => {
      session.body.replace(`${"y".repeat(70)}\r\n`.repeat(1_000));
      session.removeRecipient("two@example.test");
      session.headers.append("X-New", "1");
      session.changeSender("new@example.test");
      session.headers.update((await session.headers.get("X-Other"))!, "p");
      session.addRecipient("three@example.test");
      session.headers.insert("X-Top", "2", "start");
      session.headers.delete(await nth(session.headers.getAll("X-Dup"), 0));
    },
    gives: {
      headers: [["X-Top", "2"], ...SENT.filter(([, value]) => value !== "one").map(otherIsP), ["X-New", "1"]],
      body: `${"y".repeat(70)}\r\n`.repeat(1_000),
      from: /^<new@example\.test>/,
      to: ["<one@example.test>", "<three@example.test>"],
    },
  },
];

async function nth(headers: Promise<readonly Header[]>, index: number): Promise<Header> {
  return (await headers)[index]!;
}

function third(line: Headers[number]): Headers[number] {
  return line[1] === "three" ? ["x-dup", "third"] : line;
}

function otherIsP(line: Headers[number]): Headers[number] {
  return line[1] === "o" ? ["X-Other", "p"] : line;
}

function assertDelivered(mail: Mail, gives: EditCase["gives"]): void {
  const { headers = SENT, body = BODY, to = ["<one@example.test>", "<two@example.test>"] } = gives;
  assertEquals(headersOf(mail).filter(([name]) => name !== "Received"), headers);
  assertEquals(bodyOf(mail), body);
  assertMatch(mail.from, gives.from ?? /^<sender@example\.test>/);
  assertEquals(mail.to.map((recipient) => recipient.split(" ")[0]!).sort(), to);
}

for (const { name, edit, gives } of CASES) {
  testOnEachMta(name, async (mta, options) => {
    const filter: Filter = async (session) => {
      await edit(session);
      return accept();
    };
    await using _server = await serve(filter, options);
    assertEquals((await sendMail(mta, { message: MESSAGE })).refused, {});
    assertDelivered(await mta.delivery("hello"), gives);
  });
}

testOnEachMta("a header inserted beside another is there, once", async (mta, options) => {
  const filter: Filter = async ({ headers }) => {
    const other = (await headers.get("X-Other"))!;
    headers.insert("X-Before", "1", { before: other });
    headers.insert("X-After", "2", { after: other });
    return accept();
  };
  await using _server = await serve(filter, options);
  await sendMail(mta, { message: MESSAGE });
  const lines = headersOf(await mta.delivery("hello"));
  assertEquals(lines.filter(([name]) => /^X-(Before|After)$/.test(name)).sort(), [["X-After", "2"], [
    "X-Before",
    "1",
  ]]);
});

testOnEachMta("an accept at MAIL carries its edits to the end of the message", async (mta, options) => {
  const filter: Filter = async (session) => {
    await session.envelopeFrom();
    session.headers.append("X-New", "1");
    session.addRecipient("three@example.test");
    return accept();
  };
  await using _server = await serve(filter, options);
  await sendMail(mta, { message: MESSAGE });
  assertDelivered(await mta.delivery("hello"), {
    headers: [...SENT, ["X-New", "1"]],
    to: ["<one@example.test>", "<three@example.test>", "<two@example.test>"],
  });
});

testOnEachMta("quarantine() holds a mail, with its edits", async (mta, options) => {
  const filter: Filter = async (session) => {
    session.headers.append("X-New", "1");
    await session.headers.collect();
    session.quarantine("looks odd");
    return accept();
  };
  await using _server = await serve(filter, options);
  const { refused, queueId } = await sendMail(mta, { message: MESSAGE });
  assertEquals(refused, {});
  const held = mta.quarantined();
  assertEquals(Object.keys(held), [queueId!]);
  assertMatch(held[queueId!]!, /X-New: 1/);
  assertEquals(mta.delivered(), []);
});

testOnEachMta("a refusal drops the edits, and touches no later mail", async (mta, options) => {
  const verdicts = [reject(), discard(), accept()];
  const filter: Filter = async (session) => {
    const verdict = verdicts.shift()!;
    if (verdicts.length > 0) session.headers.append("X-New", "1");
    await session.endOfMessage();
    return verdict;
  };
  await using _server = await serve(filter, options);
  assertEquals(Object.keys((await sendMail(mta, { message: MESSAGE })).refused), ["end"]);
  assertEquals((await sendMail(mta, { message: MESSAGE })).refused, {});
  assertEquals((await sendMail(mta, { message: MESSAGE })).refused, {});
  assertDelivered(await mta.delivery("hello"), {});
  assertEquals(mta.delivered().length, 1);
});

testOnEachMta("progress() at the end of the message harms no edit", async (mta, options) => {
  const filter: Filter = async (session) => {
    await session.endOfMessage();
    session.progress();
    session.body.replace("new\r\n");
    session.progress();
    return accept();
  };
  await using _server = await serve(filter, options);
  assertEquals((await sendMail(mta, { message: MESSAGE })).refused, {});
  assertDelivered(await mta.delivery("hello"), { body: "new\r\n" });
});
