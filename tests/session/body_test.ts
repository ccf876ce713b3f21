/** Rule 9: the body in chunks, as a stream, collected; and the whole message. */

import { accept, defineFilter, MilterError, reject, type Session } from "../../mod.ts";
import { ACTION, PROTOCOL } from "../../src/protocol/mod.ts";
import { assertBytes, concat, latin1 } from "../bytes.ts";
import { assertEquals, assertMatch, assertRejects, property, test, toBytes } from "../harness.ts";
import { body, endOfMessage, GREETING, header, type Line } from "../mta_commands.ts";
import { play, type PlayOptions, settle } from "../mta_player.ts";
import { collect, first } from "./stages.ts";

const ENVELOPE: readonly Line[] = [...GREETING, "mail", "rcpt", "data"];
const HEADERS: readonly Line[] = [...ENVELOPE, "header", "endOfHeaders"];
const CHUNKS = ["one\r\n", "two\r", "\nthree", "", "\0\xff"].map(latin1);

/** An MTA that offers no skipping. */
const NO_SKIP: PlayOptions = { protocol: 0x1fffff & ~PROTOCOL.SKIP };

/** Ways to read the whole body. */
const READERS: readonly (readonly [how: string, read: (session: Session) => Promise<Uint8Array>])[] = [
  ["for await", async (session) => concat(await collect(session.body, (chunk) => chunk))],
  ["stream()", (session) => toBytes(session.body.stream())],
  ["collect()", (session) => session.body.collect()],
];

for (const [how, read] of READERS) {
  test(`Body gives every byte by ${how}, from each kind of end of message`, async () => {
    for (const last of [new Uint8Array(0), latin1("\r\nlast")]) {
      for (const chunks of [[], CHUNKS.slice(0, 1), CHUNKS]) {
        let content: Uint8Array | undefined;
        await using mta = await play(async (session) => {
          content = await read(session);
          return accept();
        });
        const answers = await mta.play([...HEADERS, ...chunks.map(body), endOfMessage(last)]);
        assertEquals(answers.slice(ENVELOPE.length + 1), [
          ...chunks.map(() => "body: continue"),
          "endOfMessage: accept",
        ]);
        assertBytes(content!, concat([...chunks, last]));
      }
    }
  });
}

test("Body gives chunks that may be given away: nothing else lies in their memory", async () => {
  for (const size of [0, 1, 700, 4_000, 5_000, 60_000]) {
    let content: Uint8Array = new Uint8Array();
    await using mta = await play(async (session) => {
      const sender = await session.envelopeFrom();
      const given: Uint8Array[] = [];
      for await (const chunk of session.body) {
        given.push(structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] }));
      }
      content = concat(given);
      return sender.address === "sender@example.com" ? accept() : reject(sender.address);
    });
    const chunks = ["a", "b"].map((letter) => latin1(letter.repeat(size)));
    assertEquals(
      (await mta.play([...HEADERS, ...chunks.map(body), "endOfMessage"])).at(-1),
      "endOfMessage: accept",
    );
    assertBytes(content, concat(chunks));
  }
});

test("a filter that gives away the memory of a header harms its own connection only", async () => {
  await using mta = await play(async (session) => {
    for await (const { rawValue } of session.headers) {
      structuredClone(undefined, { transfer: [rawValue.buffer as ArrayBuffer] });
    }
    await session.endOfMessage();
    return accept();
  });
  const answers = await mta.play([...HEADERS, "endOfMessage"]);
  assertEquals(answers.at(-1), "endOfMessage: accept");
});

test("a filter that reads a header whose memory it has given away fails, and the message is answered", async () => {
  await using mta = await play(async (session) => {
    const [one, other] = await session.headers.collect();
    structuredClone(undefined, { transfer: [one!.rawValue.buffer as ArrayBuffer] });
    return reject(other!.value);
  });
  await mta.play(GREETING);
  // In the same memory; the log asks for them.
  await mta.macros("M", { i: "4bXyZ12345" });
  const answers = await mta.play([...HEADERS.slice(2, -1), header("X-Other: text"), "endOfHeaders"]);
  assertEquals(answers.at(-1), "endOfHeaders: tempfail");
  const [log, ...more] = mta.takeLogs();
  assertMatch(log!.message, /^The filter failed: .* was given away/);
  assertEquals([log!.queueId, more], [undefined, []]);
  // What lies in other memory is judged as ever.
  await mta.macros("M", { i: "4bXyZ12346" });
  assertEquals(await mta.play(["mail"]), ["mail: continue"]);
});

test("a verdict whose edits cannot be planned any more ends the connection: the MTA does not wait", async () => {
  await using mta = await play(async (session) => {
    const [one, other] = await session.headers.collect();
    session.headers.delete(other!);
    await session.endOfMessage();
    structuredClone(undefined, { transfer: [one!.rawValue.buffer as ArrayBuffer] });
    return accept();
  });
  const lines = [...HEADERS.slice(0, -1), header("X-Other: text"), "endOfHeaders", "endOfMessage"] as const;
  await assertRejects(() => mta.play(lines), Error, "the filter has closed: endOfMessage has no answer");
  assertEquals(mta.takeLogs().map(({ level }) => level), ["warning"]);
});

test("Body gives chunk by chunk as the MTA cuts them, and lets it wait for the reader", async () => {
  const chunks: string[] = [];
  let go = () => {};
  await using mta = await play(async (session) => {
    for await (const chunk of session.body) {
      chunks.push(String.fromCharCode(...chunk));
      await new Promise<void>((resolve) => go = resolve);
    }
    return accept();
  });
  await mta.play(HEADERS);
  for (const text of ["a", "b", "c"]) {
    let answered = false;
    const answer = mta.say(body(text)).finally(() => answered = true);
    await settle();
    assertEquals([chunks.at(-1), answered], [text, false]);
    go();
    assertEquals(await answer, ["continue"]);
  }
  assertEquals(await mta.say("endOfMessage"), ["accept"]);
});

/** Ways to leave the body after its first chunk. */
const LEAVING: readonly (readonly [how: string, leave: (session: Session) => Promise<unknown>])[] = [
  ["break", (session) => first(session.body)],
  ["a throw", (session) =>
    assertRejects(async () => {
      for await (const chunk of session.body) throw new Error(String(chunk));
    })],
  ["cancelling its stream", async (session) => {
    const reader = session.body.stream().getReader();
    await reader.read();
    await reader.cancel();
  }],
  ["a limit that it is over", (session) => assertRejects(() => session.body.collect({ limit: 1 }))],
];

for (const [how, leave] of LEAVING) {
  test(`Body that is left by ${how} is skipped where that is agreed, and passes where not`, async () => {
    for (const [options, answers] of [[{}, ["skip"]], [NO_SKIP, ["continue", "continue"]]] as const) {
      await using mta = await play(async (session) => {
        await leave(session);
        await session.endOfMessage();
        return accept();
      }, options);
      const answered = await mta.play([...HEADERS, body("one"), body("two"), "endOfMessage"]);
      assertEquals(answered.slice(HEADERS.length - 1), [
        ...answers.map((answer) => `body: ${answer}`),
        "endOfMessage: accept",
      ]);
    }
  });
}

test("Body that is left is judged at once, without the rest", async () => {
  await using mta = await play(async (session) => {
    await first(session.body);
    return reject();
  });
  assertEquals((await mta.play([...HEADERS, body("one"), body("two")])).at(-1), "body: reject");
});

test("Body fails with PASSED for who comes after a chunk, at once and for good", async () => {
  const errors: MilterError[] = [];
  await using mta = await play(async (session) => {
    await session.headers.collect();
    const kept = session.body[Symbol.asyncIterator]();
    await kept.next();
    await session.endOfMessage();
    for (const ask of [() => kept.next(), () => session.body.collect(), () => first(session.body)]) {
      errors.push(await assertRejects(ask, MilterError));
    }
    return accept();
  }, NO_SKIP);
  const answers = await mta.play([...HEADERS, body("one"), body("two"), "endOfMessage"]);
  assertEquals(answers.at(-1), "endOfMessage: accept");
  assertEquals(errors.map(({ code }) => code), ["PASSED", "PASSED", "PASSED"]);
});

test("Body is read by two who keep step, each all of it", async () => {
  const read: number[] = [];
  await using mta = await play(async (session) => {
    const bodies = await Promise.all([session.body.collect(), session.body.collect()]);
    read.push(...bodies.map((bytes) => bytes.length));
    return accept();
  });
  await mta.play([...HEADERS, body("one"), body("three"), "endOfMessage"]);
  assertEquals(read, [8, 8]);
});

test("Body that is as long as the limit is collected, one byte more is over it", async () => {
  const outcomes: unknown[] = [];
  for (const text of ["12345", "123456"]) {
    await using mta = await play(async (session) => {
      await session.body.collect({ limit: 5 }).then(
        (bytes) => outcomes.push(bytes.length),
        (error) => outcomes.push(error.code),
      );
      return accept();
    });
    await mta.play([...HEADERS, body(text.slice(0, 3)), body(text.slice(3)), "endOfMessage"]);
  }
  assertEquals(outcomes, [5, "LIMIT"]);
});

/** Headers as they stand in a message, with every kind of space and fold. */
const LINES = [
  "From: a@example.com",
  "Subject:no space",
  "X-Tab:\ttab",
  "X-Two:  two spaces",
  "X-Empty:",
  "X-Space: ",
  "X-Fold: one\n two\n\tthree",
  "X-8bit: Gr\xf6\xdfe",
];

/** The message that its headers and body make, with CRLF line ends. */
function messageOf(lines: readonly string[], chunks: readonly Uint8Array[]): Uint8Array {
  const top = lines.map((line) => line.replaceAll("\n", "\r\n") + "\r\n").join("");
  return concat([latin1(`${top}\r\n`), ...chunks]);
}

/** A header line whose bytes are as they are. */
function rawHeader(line: string, leadingSpace: boolean): Line {
  const [, name = "", value = ""] = /^([^:]*):(.*)$/s.exec(line) ?? [];
  return { type: "header", name, value: latin1(leadingSpace ? value : value.replace(/^ /, "")) };
}

for (const leadingSpace of [true, false]) {
  test(`Session.message() is byte for byte what the client sent, ${leadingSpace ? "with" : "without"} leading space`, async () => {
    let message: Uint8Array | undefined;
    await using mta = await play(async (session) => {
      message = await toBytes(session.message());
      return accept();
    }, leadingSpace ? {} : { protocol: 0x1fffff & ~PROTOCOL.LEADING_SPACE });
    // Without it nobody can tell whether there was a space: one is put where none may have been.
    const lines = leadingSpace ? LINES : LINES.filter((line) => /^[^:]*: /.test(line));
    await mta.play([
      ...ENVELOPE,
      ...lines.map((line) => rawHeader(line, leadingSpace)),
      "endOfHeaders",
      ...CHUNKS.map(body),
      "endOfMessage",
    ]);
    assertBytes(message!, messageOf(lines, CHUNKS));
  });
}

test("Session.message() of a message without headers and body is an empty line", async () => {
  let message: Uint8Array | undefined;
  await using mta = await play(async (session) => {
    message = await toBytes(session.message());
    return accept();
  });
  await mta.play([...ENVELOPE, "endOfHeaders", "endOfMessage"]);
  assertBytes(message!, latin1("\r\n"));
});

test("Session.message() that is cancelled skips the rest of the body", async () => {
  await using mta = await play(async (session) => {
    const reader = session.message().getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    await session.endOfMessage();
    return accept();
  });
  assertEquals((await mta.play([...HEADERS, body("one"), body("two"), "endOfMessage"])).slice(-2), [
    "body: skip",
    "endOfMessage: accept",
  ]);
});

test("Session.message() is the message as received, whatever is edited", async () => {
  let message: Uint8Array | undefined;
  await using mta = await play(async (session) => {
    session.headers.append("X-New", "v");
    session.body.replace("new");
    for (const header of await session.headers.collect()) session.headers.delete(header);
    message = await toBytes(session.message());
    return accept();
  });
  await mta.play([...ENVELOPE, header("X: v"), "endOfHeaders", body("old"), "endOfMessage"]);
  assertBytes(message!, latin1("X: v\r\n\r\nold"));
});

test("Session.message() after the body has passed fails with PASSED", async () => {
  const codes: string[] = [];
  await using mta = await play(async (session) => {
    await session.endOfMessage();
    codes.push((await assertRejects(() => toBytes(session.message()), MilterError)).code);
    return accept();
  });
  await mta.play([...HEADERS, "body", "endOfMessage"]);
  assertEquals(codes, ["PASSED"]);
});

property("Session.message() is the same however headers and body are made", { runs: 20 }, async (random) => {
  const lines = random.list(random.below(8), () => {
    const text = [...random.bytes(random.below(40))].filter((byte) => ![0, 10, 13].includes(byte));
    return `X-${random.below(100)}: ${String.fromCharCode(...text)}`;
  });
  const chunks = random.split(random.bytes(random.below(3000)), random.between(1, 5));
  let message: Uint8Array | undefined;
  await using mta = await play(async (session) => {
    message = await toBytes(session.message());
    return accept();
  });
  await mta.play([
    ...ENVELOPE,
    ...lines.map((line) => rawHeader(line, true)),
    "endOfHeaders",
    ...chunks.map(body),
    "endOfMessage",
  ]);
  assertBytes(message!, messageOf(lines, chunks));
});

test("Body of a filter that does not answer it is seen all the same", async () => {
  let content: Uint8Array | undefined;
  await using mta = await play(defineFilter({ answers: [], edits: ["body"] }, async (session) => {
    content = await session.body.collect();
    session.body.replace(content.toReversed());
    return accept();
  }));
  assertEquals(mta.agreement.actions, ACTION.CHANGE_BODY);
  assertEquals(await mta.play([...HEADERS, body("ab"), body("cd"), "endOfMessage"]), [
    'endOfMessage: replaceBody "dcba"',
    "endOfMessage: accept",
  ]);
});

test("Body is not skipped while another reader is still at it", async () => {
  let whole: Uint8Array | undefined;
  await using mta = await play(async (session) => {
    const reading = session.body.collect();
    await first(session.body);
    whole = await reading;
    return accept();
  });
  const answers = await mta.play([...HEADERS, ...CHUNKS.map(body), "endOfMessage"]);
  assertEquals(answers.filter((answer) => answer.includes("skip")), []);
  assertBytes(whole!, concat(CHUNKS));
});

test("Body waits for a slow reader, even while somebody waits for what comes later", async () => {
  let read = "";
  await using mta = await play(async (session) => {
    const end = session.endOfMessage();
    for await (const chunk of session.body) {
      await settle();
      read += String.fromCharCode(...chunk);
    }
    await end;
    return accept();
  });
  await mta.play([...HEADERS, body("one"), body("two"), body("three"), "endOfMessage"]);
  assertEquals(read, "onetwothree");
});

test("Body is skipped from the first chunk on that nobody reads", async () => {
  await using mta = await play(async (session) => {
    await session.body[Symbol.asyncIterator]().next();
    await session.endOfMessage();
    return accept();
  });
  const answers = await mta.play([...HEADERS, body("one"), body("two"), body("three"), "endOfMessage"]);
  assertEquals(answers.slice(HEADERS.length - 1), ["body: continue", "body: skip", "endOfMessage: accept"]);
});
