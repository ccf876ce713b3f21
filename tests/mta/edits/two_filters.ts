/** Cases of two filters in a row: the second sees what the first has made of the mail, and edits that. */

import type { Session } from "../../../mod.ts";
import type { MtaName } from "../mta.ts";
import { type Delivered, OWN, SENT } from "./delivered.ts";

/** The headers of the mail. */
export const LINES: readonly string[] = SENT.headers;
const [SUBJECT, ...REST] = LINES as [string, ...string[]];

/** What two filters do, and what the mail is after that. */
export interface TwoFilters {
  readonly name: string;
  readonly first: (session: Session) => unknown;
  readonly second: (session: Session) => unknown;
  readonly gives: Delivered | Readonly<Record<MtaName, Delivered>>;
}

/** Inserts a header below each that there is. */
async function insertBelowEach({ headers }: Session): Promise<void> {
  for (const after of await headers.collect()) headers.insert("X-Second", "", { after });
}

const belowEach = (lines: readonly string[]): string[] => lines.flatMap((line) => [line, "X-Second: "]);

export const CASES: readonly TwoFilters[] = [
  {
    name: "new headers of the first are edited like all others",
    first: async ({ headers }) => {
      headers.append("X-First", "end");
      headers.insert("X-First", "below", "belowReceived");
      headers.insert("X-First", "after", { after: (await headers.get("Subject"))! });
    },
    second: async ({ headers }) => {
      const [below, after, end] = await headers.getAll("X-First");
      headers.update(below!, "changed");
      headers.delete(after!);
      headers.insert("X-Second", "1", { before: end! });
      headers.insert("X-Second", "2", "start");
      headers.insert("X-Second", "3", "belowReceived");
      headers.append("X-Second", "4");
    },
    gives: {
      headers: [
        ...["X-Second: 2", OWN, "X-Second: 3", "X-First: changed"],
        ...[...LINES, "X-Second: 1", "X-First: end", "X-Second: 4"],
      ],
    },
  },
  {
    name: "the second inserts below each of them",
    first: async ({ headers }) => {
      headers.append("X-First", "end");
      headers.insert("X-First", "below", "belowReceived");
      headers.insert("X-First", "after", { after: (await headers.get("Subject"))! });
    },
    second: insertBelowEach,
    gives: {
      headers: [OWN, ...belowEach(["X-First: below", SUBJECT, "X-First: after", ...REST, "X-First: end"])],
    },
  },
  {
    name: "changed and deleted namesakes of the first",
    first: async ({ headers }) => {
      const [one, two] = await headers.getAll("X-Dup");
      headers.delete(one!);
      headers.update(two!, "second");
      headers.append("X-Dup", "four");
    },
    second: async ({ headers }) => {
      const [two, three, four] = await headers.getAll("X-Dup");
      headers.update(two!, `${two!.value} by the second`);
      headers.delete(three!);
      headers.update(four!, "last");
    },
    gives: {
      headers: [OWN, SUBJECT, LINES[2]!, "X-Dup: second by the second", ...LINES.slice(5), "X-Dup: last"],
    },
  },
  {
    // No filter sees the MTA's own Received, nor whether headers stand above it.
    name:
      'a header of the first above Received, where "belowReceived" and before it are one lower than they should',
    first: ({ headers }) => void headers.insert("X-First", "top", "start"),
    second: async ({ headers }) => {
      const [top, subject] = await headers.collect();
      headers.insert("X-Second", "before", { before: top! });
      headers.insert("X-Second", "after", { after: top! });
      headers.insert("X-Second", "subject", { before: subject! });
      headers.insert("X-Second", "start", "start");
    },
    gives: {
      headers: [
        ...["X-Second: start", "X-First: top", "X-Second: before", OWN],
        ...["X-Second: after", "X-Second: subject", ...LINES],
      ],
    },
  },
  {
    // Sendmail counts what was deleted, and the second filter does not know of it.
    name: "a header that the first has deleted, below which Sendmail inserts one too high",
    first: async ({ headers }) => headers.delete((await headers.get("Subject"))!),
    second: async ({ headers }) => {
      headers.insert("X-Second", "1", { before: (await headers.get("X-Other"))! });
      headers.append("X-Second", "2");
      headers.insert("X-Second", "3", "belowReceived");
    },
    gives: {
      postfix: {
        headers: [OWN, "X-Second: 3", LINES[1]!, "X-Second: 1", ...LINES.slice(2), "X-Second: 2"],
      },
      sendmail: { headers: [OWN, "X-Second: 3", "X-Second: 1", ...LINES.slice(1), "X-Second: 2"] },
    },
  },
  {
    name: "the body of the first is rewritten",
    first: ({ body }) => body.replace("from the first\r\n"),
    second: async ({ body }) =>
      body.replace(`${new TextDecoder().decode(await body.collect())}and the second\r\n`),
    gives: { body: "from the first\r\nand the second\r\n" },
  },
  {
    name: "a recipient of the first is removed, and its sender replaced",
    first: (session) => {
      session.addRecipient("three@example.test");
      session.removeRecipient("one@example.test");
      session.changeSender("first@example.test");
    },
    second: (session) => {
      session.removeRecipient("three@example.test");
      session.addRecipient("four@example.test");
      session.changeSender("second@example.test");
    },
    gives: { from: "<second@example.test>", to: ["<two@example.test>", "<four@example.test>"] },
  },
];
