/** Where headers land: inserted, changed and deleted, each compared with the list as wished. */

import type { Header, Session } from "../../../mod.ts";
import { type EditCase, testEdits } from "./cases.ts";
import { OWN, SENT } from "./delivered.ts";

const LINES = SENT.headers;
const LAST = LINES.length - 1;

/** The headers as delivered with these lines below one of them, or with that one left out. */
const below = (at: number, ...lines: string[]): string[] => [OWN, ...LINES.toSpliced(at + 1, 0, ...lines)];
const without = (...gone: number[]): string[] => [OWN, ...LINES.filter((_, at) => !gone.includes(at))];
const changed = (at: number, line: string): string[] => [OWN, ...LINES.with(at, line)];

async function all({ headers }: Session): Promise<readonly Header[]> {
  return await headers.collect();
}

const PLACES: readonly EditCase[] = [
  {
    name: "append() adds below all others",
    edit: ({ headers }) => {
      headers.append("X-New", "1");
      headers.append("X-Newer", "2");
    },
    gives: { headers: [OWN, ...LINES, "X-New: 1", "X-Newer: 2"] },
  },
  {
    name: '"start" is above all, the MTA\'s own Received included, and the last comes first',
    edit: ({ headers }) => {
      headers.insert("X-New", "1", "start");
      headers.insert("X-Newer", "2", "start");
    },
    gives: { headers: ["X-Newer: 2", "X-New: 1", OWN, ...LINES] },
  },
  {
    name: '"belowReceived" is directly below it, and the last comes first',
    edit: ({ headers }) => {
      headers.insert("X-New", "1", "belowReceived");
      headers.insert("X-Newer", "2", "belowReceived");
    },
    gives: { headers: [OWN, "X-Newer: 2", "X-New: 1", ...LINES] },
  },
  {
    name: '"end" is where append() adds, and the last comes last',
    edit: ({ headers }) => {
      headers.insert("X-New", "1", "end");
      headers.append("X-Newer", "2");
      headers.insert("X-Newest", "3", "end");
    },
    gives: { headers: [OWN, ...LINES, "X-New: 1", "X-Newer: 2", "X-Newest: 3"] },
  },
  {
    name: "before and after the first",
    edit: async (session) => {
      const [first] = await all(session);
      session.headers.insert("X-After", "2", { after: first! });
      session.headers.insert("X-Before", "1", { before: first! });
    },
    gives: { headers: [OWN, "X-Before: 1", LINES[0]!, "X-After: 2", ...LINES.slice(1)] },
  },
  {
    name: "before and after one in the middle",
    edit: async ({ headers }) => {
      const other = (await headers.get("X-Other"))!;
      headers.insert("X-Before", "1", { before: other });
      headers.insert("X-After", "2", { after: other });
    },
    gives: { headers: below(1, "X-Before: 1", LINES[2]!, "X-After: 2").toSpliced(6, 1) },
  },
  {
    name: "before and after the last",
    edit: async (session) => {
      const last = (await all(session)).at(-1)!;
      session.headers.insert("X-Before", "1", { before: last });
      session.headers.insert("X-After", "2", { after: last });
    },
    gives: { headers: [OWN, ...LINES.slice(0, LAST), "X-Before: 1", LINES[LAST]!, "X-After: 2"] },
  },
  {
    name: "beside one that is new",
    edit: async ({ headers }) => {
      const made = headers.insert("X-New", "1", { after: (await headers.get("X-Other"))! });
      headers.insert("X-Before", "2", { before: made });
      headers.insert("X-After", "3", { after: made });
      headers.insert("X-First", "4", { before: headers.insert("X-Top", "5", "start") });
      headers.insert("X-Last", "6", { after: headers.append("X-End", "7") });
    },
    gives: {
      headers: [
        ...["X-First: 4", "X-Top: 5"],
        ...below(2, "X-Before: 2", "X-New: 1", "X-After: 3"),
        ...["X-End: 7", "X-Last: 6"],
      ],
    },
  },
  {
    name: "several before one and after one",
    edit: async ({ headers }) => {
      const two = (await headers.getAll("X-Dup"))[1]!;
      for (const value of ["1", "2", "3"]) headers.insert("X-Before", value, { before: two });
      for (const value of ["1", "2", "3"]) headers.insert("X-After", value, { after: two });
    },
    gives: {
      headers: [
        ...[OWN, ...LINES.slice(0, 3)],
        ...[
          "X-Before: 1",
          "X-Before: 2",
          "X-Before: 3",
          "X-Dup: two",
          "X-After: 3",
          "X-After: 2",
          "X-After: 1",
        ],
        ...LINES.slice(4),
      ],
    },
  },
  {
    name: "an index counts what is there by now",
    edit: async (session) => {
      await all(session);
      session.headers.insert("X-Last", "1", LINES.length);
      session.headers.insert("X-Third", "2", 3);
      session.headers.insert("X-First", "3", 0);
      session.headers.insert("X-Fifth", "4", 5);
    },
    gives: {
      headers: [
        OWN,
        "X-First: 3",
        ...LINES.slice(0, 3),
        "X-Third: 2",
        "X-Fifth: 4",
        ...LINES.slice(3),
        "X-Last: 1",
      ],
    },
  },
  {
    name: "names that the message has already",
    edit: async ({ headers }) => {
      headers.append("X-Dup", "four");
      headers.insert("X-Dup", "zero", "start");
      headers.insert("X-DUP", "half", "belowReceived");
      headers.insert("Subject", "again", { after: (await headers.get("X-Other"))! });
    },
    gives: {
      headers: ["X-Dup: zero", OWN, "X-DUP: half", ...below(2, "Subject: again").slice(1), "X-Dup: four"],
    },
  },
  {
    name: "names that Sendmail makes where they are missing, to a message that has them",
    edit: async ({ headers }) => {
      headers.append("Date", "Tue, 2 Jan 2024 00:00:00 +0000");
      headers.append("Message-Id", "<m2@example.test>");
      headers.insert("From", "second@example.test", "belowReceived");
      headers.insert("Message-Id", "<m3@example.test>", { after: (await headers.get("X-Other"))! });
      headers.insert("Date", "Wed, 3 Jan 2024 00:00:00 +0000", "start");
    },
    gives: {
      headers: [
        ...["Date: Wed, 3 Jan 2024 00:00:00 +0000", OWN, "From: second@example.test"],
        ...below(2, "Message-Id: <m3@example.test>").slice(1),
        ...["Date: Tue, 2 Jan 2024 00:00:00 +0000", "Message-Id: <m2@example.test>"],
      ],
    },
  },
  {
    name: "around the Received of other hosts",
    sent: { headers: ["Received: from a", "Received: from b", ...LINES, "Received: from c"] },
    edit: async ({ headers }) => {
      const [a, , c] = await headers.getAll("Received");
      headers.insert("Received", "top", "start");
      headers.insert("Received", "below", "belowReceived");
      headers.insert("Received", "after a", { after: a! });
      headers.insert("Received", "before c", { before: c! });
      headers.append("Received", "last");
    },
    gives: {
      headers: [
        ...[
          "Received: top",
          OWN,
          "Received: below",
          "Received: from a",
          "Received: after a",
          "Received: from b",
        ],
        ...LINES,
        ...["Received: before c", "Received: from c", "Received: last"],
      ],
    },
  },
];

const CHANGES: readonly EditCase[] = [
  {
    name: "update() of the first, one in the middle and the last",
    edit: async (session) => {
      const headers = await all(session);
      session.headers.update(headers[LAST]!, "Tue, 2 Jan 2024 00:00:00 +0000");
      session.headers.update(headers[0]!, "bye");
      session.headers.update(headers[4]!, "third");
    },
    gives: {
      headers: [
        OWN,
        ...LINES.with(0, "Subject: bye").with(4, "x-dup: third").with(
          LAST,
          "Date: Tue, 2 Jan 2024 00:00:00 +0000",
        ),
      ],
    },
  },
  {
    name: "delete() of the first, one in the middle and the last",
    edit: async (session) => {
      const headers = await all(session);
      for (const at of [2, 0, LAST]) session.headers.delete(headers[at]!);
    },
    gives: { headers: without(0, 2, LAST) },
  },
  ...[1, 3, 4].map((at): EditCase => ({
    name: `delete() of one namesake of three: ${LINES[at]}`,
    edit: async (session) => session.headers.delete((await all(session))[at]!),
    gives: { headers: without(at) },
  })),
  {
    name: "delete() of all namesakes, in whatever spelling",
    edit: async ({ headers }) => {
      for (const header of await headers.getAll("X-DUP")) headers.delete(header);
    },
    gives: { headers: without(1, 3, 4) },
  },
  {
    name: "delete() of some as they arrive",
    edit: async ({ headers }) => {
      for await (const header of headers) if (/^x-/i.test(header.name)) headers.delete(header);
    },
    gives: { headers: without(1, 2, 3, 4) },
  },
  {
    name: "delete() of all headers",
    edit: async (session) => {
      for (const header of await all(session)) session.headers.delete(header);
    },
    gives: { headers: [OWN] },
  },
  {
    name: "update() of one namesake, delete() of the others",
    edit: async ({ headers }) => {
      const [one, two, three] = await headers.getAll("X-Dup");
      headers.delete(one!);
      headers.update(three!, "third");
      headers.delete(two!);
    },
    gives: { headers: changed(4, "x-dup: third").filter((line) => !/^X-Dup/.test(line)) },
  },
  {
    name: "many namesakes, some changed, some deleted",
    sent: { headers: [...LINES, ...numbered("X-Many", 40)] },
    edit: async ({ headers }) => {
      for (const [at, header] of (await headers.getAll("X-Many")).entries()) {
        if (at % 3 === 1) headers.delete(header);
        else if (at % 5 === 2) headers.update(header, `changed ${at}`);
      }
    },
    gives: {
      headers: [
        ...[OWN, ...LINES],
        ...numbered("X-Many", 40).flatMap((line, at) =>
          at % 3 === 1 ? [] : at % 5 === 2 ? [`X-Many: changed ${at}`] : [line]
        ),
      ],
    },
  },
  {
    name: "a deleted one and a new one of its name in its place",
    edit: async ({ headers }) => {
      const two = (await headers.getAll("X-Dup"))[1]!;
      headers.insert("X-Dup", "new", { before: two });
      headers.delete(two);
    },
    gives: { headers: changed(3, "X-Dup: new") },
  },
  {
    name: "a deleted one and a new one of another name in its place",
    edit: async ({ headers }) => {
      const other = (await headers.get("X-Other"))!;
      headers.insert("X-New", "1", { after: other });
      headers.delete(other);
    },
    gives: { headers: changed(2, "X-New: 1") },
  },
  {
    name: "a deleted one and a new one of its name in another spelling",
    edit: async ({ headers }) => {
      const other = (await headers.get("X-Other"))!;
      headers.insert("X-OTHER", "1", { after: other });
      headers.delete(other);
    },
    gives: { headers: changed(2, "X-OTHER: 1") },
  },
  {
    name: "new ones among many that are deleted",
    edit: async (session) => {
      const headers = await all(session);
      for (const at of [1, 2, 3]) session.headers.insert(`X-New-${at}`, "n", { after: headers[at]! });
      for (const at of [0, 1, 2, 3, 4]) session.headers.delete(headers[at]!);
    },
    gives: { headers: [OWN, "X-New-1: n", "X-New-2: n", "X-New-3: n", ...LINES.slice(5)] },
  },
  {
    name: "update() and delete() of new ones",
    edit: async ({ headers }) => {
      const [top, end] = [headers.insert("X-Top", "1", "start"), headers.append("X-End", "2")];
      const gone = headers.insert("X-Gone", "3", { before: (await headers.get("X-Other"))! });
      headers.update(top, "first");
      headers.update(end, "last");
      headers.delete(gone);
    },
    gives: { headers: ["X-Top: first", OWN, ...LINES, "X-End: last"] },
  },
  {
    name: "update() twice, and to the value that it has",
    edit: async ({ headers }) => {
      headers.update((await headers.get("X-Other"))!, "p");
      headers.update((await headers.get("X-Other"))!, "q");
      headers.update((await headers.get("Subject"))!, "hello");
    },
    gives: { headers: changed(2, "X-Other: q") },
  },
  {
    name: "update() and delete() of the Received of other hosts spare the MTA's own",
    sent: { headers: ["Received: from a", "Received: from b", ...LINES, "Received: from c"] },
    edit: async ({ headers }) => {
      const [a, b, c] = await headers.getAll("Received");
      headers.delete(a!);
      headers.update(b!, "from nobody");
      headers.insert("Received", "new", { before: c! });
      headers.delete(c!);
    },
    gives: { headers: [OWN, "Received: from nobody", ...LINES, "Received: new"] },
  },
  {
    name: "update() keeps the spelling of a name, however it was asked for",
    sent: { headers: ["SUBJECT: hello", "subject: two", ...LINES.slice(1)] },
    edit: async ({ headers }) => {
      for (const header of await headers.getAll("Subject")) headers.update(header, `was ${header.value}`);
    },
    gives: { headers: [OWN, "SUBJECT: was hello", "subject: was two", ...LINES.slice(1)] },
  },
  {
    name: "300 headers with 60 edits",
    sent: { headers: [...LINES, ...numbered("X-A", 100), ...numbered("X-B", 191)] },
    edit: async ({ headers }) => {
      const [a, b] = [await headers.getAll("X-A"), await headers.getAll("X-B")];
      for (let at = 0; at < 60; at += 4) {
        headers.delete(a[at]!);
        headers.update(a[at + 1]!, "changed");
        headers.insert("X-New", `${at}`, { after: b[at * 3]! });
        headers.insert("X-New", `${at}`, at % 8 === 0 ? "start" : "belowReceived");
      }
    },
    gives: {
      headers: [
        ...[56, 48, 40, 32, 24, 16, 8, 0].map((at) => `X-New: ${at}`),
        OWN,
        ...[52, 44, 36, 28, 20, 12, 4].map((at) => `X-New: ${at}`),
        ...LINES,
        ...numbered("X-A", 100).flatMap((line, at) =>
          at >= 60 || at % 4 > 1 ? [line] : at % 4 === 0 ? [] : ["X-A: changed"]
        ),
        ...numbered("X-B", 191).flatMap((line, at) =>
          at < 180 && at % 12 === 0 ? [line, `X-New: ${at / 3}`] : [line]
        ),
      ],
    },
  },
];

testEdits("inserted headers land where they were wished", PLACES);
testEdits("changed and deleted headers are the right ones", CHANGES);

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${name}: ${at}`);
}
