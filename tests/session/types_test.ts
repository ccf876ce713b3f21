/**
 * What a filter has declared is what its session has: the compiler is the judge here, of what must not compile by
 * `@ts-expect-error`. Nothing of it runs, save for the declarations.
 */

import {
  accept,
  type Connection,
  defineFilter,
  type Filter,
  type Session,
  type SessionOf,
} from "../../mod.ts";
import { assertEquals, assertThrows, test } from "../harness.ts";

test("defineFilter: a session has all that is seen and edited by default", () => {
  const filter: Filter = defineFilter({}, (session) => {
    const whole: Session = session;
    void whole;
    return accept();
  });
  assertEquals(typeof filter, "function");
  defineFilter({ name: "named", answers: ["mail"] }, (session: Session) => session && accept());
});

test("defineFilter: a session has nothing of what is not seen", () => {
  defineFilter({ sees: ["headers"] }, async (session) => {
    for await (const header of session.headers) void header.name;
    await session.headers.get("Subject");
    session.headers.append("X", "v");
    session.body.replace("new");
    await session.endOfMessage();
    void [
      session.macros,
      session.mta,
      session.signal,
      session.queueId,
      session.tls,
      session.authenticatedUser,
    ];
    // @ts-expect-error CONNECT is not seen
    void session.connection;
    // @ts-expect-error HELO is not seen
    void session.helo;
    // @ts-expect-error MAIL is not seen
    void session.envelopeFrom;
    // @ts-expect-error RCPT is not seen
    void session.envelopeRecipients;
    // @ts-expect-error DATA is not seen
    void session.data;
    // @ts-expect-error no command is seen
    void session.extension;
    // @ts-expect-error the body is not seen
    void session.body.stream;
    // @ts-expect-error the body is not seen
    void session.body[Symbol.asyncIterator];
    // @ts-expect-error the body is not seen, so that there is no whole message
    void session.message;
    return accept();
  });
});

test("defineFilter: a session has what is seen of the commands", () => {
  defineFilter({ sees: ["connect", "helo", "mail", "rcpt", "data"], edits: [] }, async (session) => {
    const connection: Connection = session.connection;
    void connection;
    await session.helo();
    await session.envelopeFrom();
    for await (const recipient of session.envelopeRecipients()) recipient.reject();
    await session.data();
    await session.extension("MAIL");
    // @ts-expect-error headers are neither seen nor edited
    void session.headers;
    // @ts-expect-error the body is neither seen nor edited
    void session.body;
    return accept();
  });
});

test("defineFilter: a session has no edit that is not declared", () => {
  defineFilter({ edits: ["headers"] }, async (session) => {
    session.headers.insert("X", "v", "start");
    for await (const header of session.headers) session.headers.delete(header);
    for await (const chunk of session.body) void chunk.length;
    void session.message();
    void session.plan().warnings;
    // @ts-expect-error the body is not edited
    void session.body.replace;
    // @ts-expect-error the sender is not edited
    void session.changeSender;
    // @ts-expect-error recipients are not edited
    void session.addRecipient;
    // @ts-expect-error recipients are not edited
    void session.removeRecipient;
    // @ts-expect-error there is no quarantine
    void session.quarantine;
    return accept();
  });
  defineFilter({ edits: ["body", "sender", "recipients", "quarantine"] }, (session) => {
    session.body.replace("new");
    session.changeSender("");
    session.addRecipient("a@x.example");
    session.removeRecipient("a@x.example");
    session.quarantine("why not");
    // @ts-expect-error headers are seen, but not edited
    void session.headers.append;
    return accept();
  });
});

test("defineFilter: a session can have edits alone", () => {
  defineFilter({ sees: [], edits: ["headers", "body"] }, (session) => {
    session.headers.append("X", "v");
    session.body.replace("new");
    // @ts-expect-error headers are edited, but not seen
    void session.headers.get;
    // @ts-expect-error the body is edited, but not seen
    void session.body.collect;
    return accept();
  });
});

test("SessionOf: a function can take what a declaration gives", () => {
  const declaration = { sees: ["headers", "mail"], edits: ["headers"] } as const;
  async function tag(session: SessionOf<typeof declaration>): Promise<void> {
    session.headers.append("X-Sender", (await session.envelopeFrom()).address);
  }
  defineFilter(declaration, async (session) => {
    await tag(session);
    return accept();
  });
  defineFilter({ ...declaration, edits: [] }, async (session) => {
    // @ts-expect-error this session has no edits
    await tag(session);
    return accept();
  });
});

/** What neither compiles nor runs, and why. */
const REFUSED: readonly (readonly [why: string, define: () => void])[] = [
  ['sees names "header", which is none of connect, helo', () => {
    // @ts-expect-error: there is no such sight
    defineFilter({ sees: ["header"] }, accept);
  }],
  ['answers names "end"', () => {
    // @ts-expect-error: there is no such sight
    defineFilter({ answers: ["end"] }, accept);
  }],
  ['edits names "subject", which is none of headers, body', () => {
    // @ts-expect-error: there is no such edit
    defineFilter({ edits: ["subject"] }, accept);
  }],
  ['macros names "eom", which is none of connect', () => {
    // @ts-expect-error: there is no such stage
    defineFilter({ macros: { eom: ["i"] } }, accept);
  }],
  ['declaration names "see", which is none of name, sees', () => {
    // @ts-expect-error: there is no such key
    defineFilter({ see: ["mail"] }, accept);
  }],
  ["onError must be one of tempfail, accept, reject", () => {
    // @ts-expect-error: there is no such policy
    defineFilter({ onError: "retry" }, accept);
  }],
  ["maxChunk must be 65535, 262143 or 1048575, not 100", () => {
    // @ts-expect-error: there is no such size
    defineFilter({ maxChunk: 100 }, accept);
  }],
  ["sees must be a list", () => {
    // @ts-expect-error: it is no list
    defineFilter({ sees: "mail" }, accept);
  }],
  ["the filter is no function", () => {
    // @ts-expect-error: it is no function
    defineFilter({}, "accept");
  }],
];

for (const [why, define] of REFUSED) {
  test(`defineFilter throws a TypeError for what does not compile: ${why}`, () => {
    assertThrows(define, TypeError, why);
  });
}
