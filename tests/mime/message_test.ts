import { accept, MilterError, type Session } from "../../mod.ts";
import { type ParsedMessage, parseMessage, type ParseMessageOptions } from "../../src/mime/mod.ts";
import { latin1 } from "../bytes.ts";
import { deferred } from "../deferred.ts";
import { assert, assertEquals, assertRejects, property, test } from "../harness.ts";
import { GREETING } from "../mta_commands.ts";
import { play } from "../mta_player.ts";

/** A message of many parts, as bytes: each character is one. */
const EML = latin1([
  "Received: from mail.example by mx.example; Thu, 1 Jan 2026 00:00:01 +0000",
  "From: =?utf-8?q?J=C3=BCrgen?= <j@x.example>",
  "Sender: s@x.example",
  "Reply-To: r@x.example",
  "To: Knights: a@x.example, b@x.example;, c@x.example",
  "Cc: d@x.example,",
  "\te@x.example",
  "CC: f@x.example",
  "Bcc: undisclosed-recipients:;",
  "Subject: =?iso-8859-1?q?Gr=F6=DFe?= der",
  "  Ritter",
  "Subject: another",
  "Date: Thu, 1 Jan 2026 00:00:00 +0000 (UTC)",
  "Message-ID: <1@x.example>",
  "X-Raw: Gr\xc3\xb6\xc3\x9fe \xff",
  "X-Empty:",
  "this is no header",
  'Content-Type: multipart/mixed; boundary="=_a"',
  "",
  "This is a preamble.",
  "--=_a",
  "Content-Type: multipart/alternative; boundary=b",
  "",
  "--b",
  "Content-Type: text/plain; charset=iso-8859-1",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "Gr=F6=DFe=",
  "!",
  "--b",
  "Content-Type: text/html; charset=utf-8",
  "Content-Transfer-Encoding: base64",
  "",
  btoa("<b>Gr\xc3\xb6\xc3\x9fe</b>"),
  "--b--",
  "--=_a",
  'Content-Type: Image/PNG; name="=?utf-8?q?=C3=9C.png?="',
  "Content-Disposition: Inline",
  "Content-ID: <logo@x.example>",
  "Content-Transfer-Encoding: base64",
  "",
  "AAEC/w==",
  "--=_a",
  "Content-Type: application/pdf",
  "Content-Disposition: attachment; filename*=utf-8''%C3%9Cber%0Asicht.pdf",
  "",
  "a\0b",
  "--=_a",
  "Content-Type: message/rfc822",
  "",
  "Subject: within",
  "",
  "Ni!",
  "--=_a--",
  "This is an epilogue.",
  "",
].join("\r\n"));

function assertParsed(message: ParsedMessage): void {
  const { headers, attachments, text, html, ...rest } = message;
  assertEquals(rest, {
    from: [{ name: "Jürgen", address: "j@x.example" }],
    sender: { name: "", address: "s@x.example" },
    replyTo: [{ name: "", address: "r@x.example" }],
    to: ["a", "b", "c"].map((name) => ({ name: "", address: `${name}@x.example` })),
    cc: ["d", "e", "f"].map((name) => ({ name: "", address: `${name}@x.example` })),
    bcc: [],
    subject: "Größe der  Ritter",
    date: new Date("2026-01-01T00:00:00Z"),
    messageId: "<1@x.example>",
  });
  assertEquals(headers.length, 15);
  assertEquals(headers.slice(8, 10), [
    { name: "Subject", value: "=?iso-8859-1?q?Gr=F6=DFe?= der  Ritter" },
    { name: "Subject", value: "another" },
  ]);
  assertEquals(headers.slice(12, 14), [{ name: "X-Raw", value: "Größe \ufffd" }, {
    name: "X-Empty",
    value: "",
  }]);
  assertEquals(text?.trim(), "Größe!");
  assert(html?.includes("<b>Größe</b>"), html);
  assertEquals(attachments.map(({ content: _, ...facts }) => facts), [
    {
      filename: "Ü.png",
      type: "image/png",
      disposition: "inline",
      contentId: "logo@x.example",
      related: false,
    },
    {
      filename: "Über sicht.pdf",
      type: "application/pdf",
      disposition: "attachment",
      contentId: undefined,
      related: false,
    },
    {
      filename: undefined,
      type: "message/rfc822",
      disposition: undefined,
      contentId: undefined,
      related: false,
    },
  ]);
  const [image, document, within] = attachments.map(({ content }) => content);
  assertEquals(image, Uint8Array.of(0, 1, 2, 255));
  assertEquals(document, latin1("a\0b"));
  assertEquals(new TextDecoder().decode(within).trimEnd(), "Subject: within\r\n\r\nNi!");
}

function streamOf(chunks: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

test("parseMessage takes a message apart", async () => assertParsed(await parseMessage(EML)));

property("parseMessage takes a message in pieces of any size", { runs: 20 }, async (random) => {
  assertParsed(await parseMessage(streamOf(random.split(EML, random.between(1, 200)))));
});

test("parseMessage takes text", async () => {
  const { subject, text, headers } = await parseMessage("Subject: Größe\n\nNi ä\n");
  assertEquals([subject, text, headers], ["Größe", "Ni ä\n", [{ name: "Subject", value: "Größe" }]]);
});

test("parseMessage parses a message within a message when it is asked to", async () => {
  const { attachments } = await parseMessage(EML);
  assertEquals((await parseMessage(attachments[2]!.content)).subject, "within");
});

test("parseMessage takes the message of a session", async () => {
  const subjects: unknown[] = [];
  const filter = async (session: Session) => {
    const { subject, to, text } = await parseMessage(session.message());
    subjects.push([subject, to.length, text?.trimEnd()]);
    return accept();
  };
  await using mta = await play(filter);
  await mta.play([
    ...GREETING,
    "mail",
    "rcpt",
    "data",
    { type: "header", name: "Subject", value: " =?utf-8?q?=C3=A4?=\n b" },
    { type: "header", name: "To", value: " a@x.example" },
    "endOfHeaders",
    { type: "body", chunk: new TextEncoder().encode("Ni!\r\n") },
    "endOfMessage",
  ]);
  assertEquals(subjects, [["ä b", 1, "Ni!"]]);
});

test("parseMessage fails with ABORTED when the session does", async () => {
  const failed = deferred<unknown>();
  await using mta = await play(async (session) => {
    await parseMessage(session.message()).catch(failed.resolve);
    return accept();
  });
  await mta.play([...GREETING, "mail", "rcpt", "data"]);
  await mta.say("abort");
  await mta.play(["mail"]);
  const error = await failed.promise;
  assertEquals(error instanceof MilterError && error.code, "ABORTED");
});

test("parseMessage gives what there is of a broken message", async () => {
  const broken: readonly (readonly [what: string, text: string, seen: Partial<ParsedMessage>])[] = [
    ["nothing", "", { subject: undefined, text: undefined, attachments: [] }],
    ["an empty line", "\r\n", { headers: [] }],
    ["no body", "Subject: a", { subject: "a" }],
    ["no headers", "\r\na", { headers: [], text: "a" }],
    ["NULs", "Subject: a\0b\r\n\r\nc\0d", { subject: "a b", text: "c\0d" }],
    ["a date that is none", "Date: yesterday\r\n\r\n", { date: undefined }],
    ["bad base64", "Content-Transfer-Encoding: base64\r\n\r\n!!!!\r\nTmkh\r\n=", { text: "Ni!" }],
    ["bad quoted-printable", "Content-Transfer-Encoding: quoted-printable\r\n\r\nNi=ZZ=", { text: "Ni=ZZ" }],
    ["an unknown encoding", "Content-Transfer-Encoding: x\r\n\r\nNi", { text: "Ni" }],
    ["an unknown charset", "Content-Type: text/plain; charset=no-such\r\n\r\nNi", { text: "Ni" }],
    ["a charset that is UTF-7", "Content-Type: text/plain; charset=utf-7\r\n\r\n+ADw-", { text: "+ADw-" }],
    ["an unknown type", "Content-Type: ///\r\n\r\nNi", {}],
    ["no boundary", "Content-Type: multipart/mixed\r\n\r\nNi", {}],
    ["a boundary that never comes", "Content-Type: multipart/mixed; boundary=a\r\n\r\nNi", {}],
    ["a part that never ends", "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nNi", {
      text: "Ni",
    }],
    [
      "a part with an empty type",
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type:\r\n\r\nNi",
      {
        attachments: [{
          filename: undefined,
          type: "application/octet-stream",
          disposition: undefined,
          contentId: undefined,
          related: false,
          content: new TextEncoder().encode("Ni"),
        }],
      },
    ],
  ];
  for (const [what, text, seen] of broken) {
    const message = await parseMessage(text);
    const found = Object.fromEntries(
      Object.keys(seen).map((key) => [key, message[key as keyof ParsedMessage]]),
    );
    assertEquals(found, seen, what);
  }
});

property("parseMessage takes any bytes", { runs: 100 }, async (random) => {
  await parseMessage(random.bytes(random.below(500)));
  const pieces = [
    "\r\n",
    "\n",
    "--a",
    "--",
    "Content-Type: ",
    "multipart/mixed; boundary=a",
    "text/html",
    "Subject: ",
  ];
  const more = [
    "message/rfc822",
    "Content-Transfer-Encoding: ",
    "base64",
    "quoted-printable",
    "=?",
    "\0",
    "ä",
    ":",
  ];
  await parseMessage(random.list(random.below(200), () => random.pick([...pieces, ...more])).join(""));
});

const MULTIPART = "Content-Type: multipart/mixed; boundary=a\n\n";

function nested(depth: number): string {
  return Array.from(
    { length: depth },
    (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`,
  ).join("");
}

/** Messages over a limit: the default one, or one that is set. */
const OVER: readonly (readonly [what: string, text: string, options?: ParseMessageOptions])[] = [
  ["longer than the limit", "a: b\n\n" + "c".repeat(100), { limit: 105 }],
  ["of more than 32 MiB", "\n" + "a".repeat(32 * 1024 * 1024)],
  ["with headers over the limit", `Subject: ${"a".repeat(100)}\n\n`, { headerLimit: 100 }],
  ["with a header of 2 MB", `Subject: ${"a".repeat(2e6)}\n\n`],
  ["with 500,000 headers", `${"a:b\n".repeat(500_000)}\n`],
  ["with a header of 2 MB in a part", `${MULTIPART}--a\nX: ${"a".repeat(2e6)}\n\n`],
  ["with more parts than the limit", MULTIPART + "--a\n\nx\n".repeat(20), { partLimit: 10 }],
  ["with 100,000 parts", MULTIPART + "--a\n\nx\n".repeat(100_000)],
  ["with 10,000 nested parts", nested(10_000)],
];

for (const [what, text, options] of OVER) {
  test(`parseMessage refuses a message ${what} with LIMIT`, async () => {
    const bytes = new TextEncoder().encode(text);
    for (const input of [text, bytes, streamOf([bytes])]) {
      const error = await assertRejects(
        () => parseMessage(input, options),
        MilterError,
        "Cannot parse message: ",
      );
      assertEquals(error.code, "LIMIT");
    }
  });
}

test("parseMessage takes messages at the limits", async () => {
  await parseMessage("a: b\n\n" + "c".repeat(100), { limit: 106 });
  await parseMessage(MULTIPART + "--a\n\nx\n".repeat(900));
  await parseMessage(MULTIPART + "--a\n\nx\n".repeat(2000), { partLimit: 3000 });
  await parseMessage(`${"a:b\n".repeat(5000)}\n`);
});

test("parseMessage takes hostile messages in little time", { timeout: 60_000 }, async () => {
  const header = (name: string, value: string) => `Content-${name}\n\n${value}`;
  const hostile = [
    "\n".repeat(2e6),
    "a\n".repeat(1e6),
    "\0".repeat(2e6),
    `Subject: ${"=?utf-8?q?a?= ".repeat(60_000)}\n\n`,
    `To: ${"a@b, ".repeat(150_000)}\n\n`,
    `To: ${"(".repeat(900_000)}\n\n`,
    `Date: ${"(".repeat(900_000)}\n\n`,
    `${"a ".repeat(450_000)}\n\n`,
    header(`Type: text/plain; ${"a=b;".repeat(200_000)}`, "x"),
    header(
      `Disposition: attachment; ${Array.from({ length: 50_000 }, (_, at) => `a*${at}=b;`).join("")}`,
      "x",
    ),
    header("Type: text/html", "<a ".repeat(1e6)),
    header("Type: text/html", "<!--".repeat(1e6)),
    header("Type: text/plain; format=flowed", "> \n".repeat(1e6)),
    header("Transfer-Encoding: quoted-printable", "=".repeat(2e6)),
    header("Transfer-Encoding: base64", "!\n".repeat(1e6)),
    header("Type: text/calendar", "\r\n".repeat(1e6)),
    nested(250) + "--b\n".repeat(200_000),
    `${MULTIPART}--a\n`.repeat(200_000),
  ];
  const started = performance.now();
  for (const message of hostile) {
    try {
      await parseMessage(message);
    } catch (error) {
      if (!(error instanceof MilterError && error.code === "LIMIT")) throw error;
    }
  }
  const took = performance.now() - started;
  assert(took < 50_000, `${hostile.length} messages took ${took} ms`);
});

test("parseMessage lets others work while it does", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await parseMessage("\n" + "a\n".repeat(2e6));
  clearInterval(timer);
  assert(turns > 10, `${turns} turns`);
});

test("parseMessage cancels the stream that it does not read to its end", async () => {
  const cases:
    readonly (readonly [what: string, chunk: unknown, options: ParseMessageOptions, why: string])[] = [
      ["for its length", new Uint8Array(1000), { limit: 10 }, "longer than 10 bytes"],
      [
        "for what is in it",
        new TextEncoder().encode(`a: ${"b".repeat(100_000)}`),
        { headerLimit: 10 },
        "header",
      ],
      ["for a chunk that is none", "text", {}, "no Uint8Array"],
    ];
  for (const [what, chunk, options, why] of cases) {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(chunk as Uint8Array),
      cancel: () => {
        cancelled = true;
      },
    });
    await assertRejects(() => parseMessage(stream, options), Error, why);
    assert(cancelled, what);
  }
});

test("parseMessage stops when its signal aborts", async () => {
  const reason = new RangeError("enough");
  await assertRejects(() => parseMessage(EML, { signal: AbortSignal.abort(reason) }), RangeError, "enough");
  const long = "\n" + "a\n".repeat(5e6);
  await assertRejects(() => parseMessage(long, { signal: AbortSignal.timeout(20) }), DOMException);

  const controller = new AbortController();
  let cancelled: unknown;
  const stalled = new ReadableStream<Uint8Array>({
    pull: () => new Promise<void>(() => {}),
    cancel: (why) => {
      cancelled = why;
    },
  });
  const parsing = assertRejects(
    () => parseMessage(stalled, { signal: controller.signal }),
    RangeError,
    "enough",
  );
  controller.abort(reason);
  await parsing;
  assertEquals(cancelled, reason);
});

test("parseMessage fails as the stream does", async () => {
  const failing = new ReadableStream<Uint8Array>({
    pull: () => {
      throw new RangeError("broken");
    },
  });
  await assertRejects(() => parseMessage(failing), RangeError, "broken");
});

test("parseMessage refuses what is no message, and limits that are none", async () => {
  for (const bad of [undefined, null, 7, {}, ["a"]] as unknown as string[]) {
    await assertRejects(() => parseMessage(bad), TypeError, "Cannot parse message: ");
  }
  for (const bad of [0, -1, 1.5, NaN, Infinity, "1" as unknown as number]) {
    for (const name of ["limit", "headerLimit", "partLimit"]) {
      await assertRejects(() => parseMessage("", { [name]: bad }), RangeError, name);
    }
  }
});
