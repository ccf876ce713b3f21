/** Headers that MTAs make where they are missing, or keep to themselves, and messages without any. */

import { type EditCase, testEdits } from "./cases.ts";
import { OWN, SENT } from "./delivered.ts";

const LINES = SENT.headers;

/** A message without the headers that MTAs make. */
const BARE = { headers: ["Subject: hello", "X-A: 1"] };
const [SUBJECT, X_A] = BARE.headers as [string, string];

/** Postfix makes them below all others, before a filter sees the message: they count as the client's. */
const BY_POSTFIX = ["Message-Id: OWN", "Date: OWN", "From: sender@example.test"];
/** Sendmail makes them below its Received, when all filters are done. */
const BY_SENDMAIL = ["Date: OWN", "From: sender@example.test", "Message-Id: OWN"];

const DATE = "Tue, 2 Jan 2024 00:00:00 +0000";

/** Of somebody who sends the mail on: all that an MTA would make of these. */
const RESENT = [
  "Resent-To: other@example.test",
  "Resent-From: one@example.test",
  "Resent-Message-Id: <r1@example.test>",
  `Resent-Date: ${DATE}`,
];

const hasPlaceFor = (name: string): RegExp =>
  new RegExp(`^Sendmail has a place of its own for header ${name} .* choose "belowReceived" for it$`);
const keeps = (name: string): RegExp =>
  new RegExp(`^Sendmail does not send header ${name} on: choose another name for it$`);

/** Headers that Sendmail keeps to itself. */
const KEPT = ["Return-Path", "Full-Name", "Content-Length", "Bcc", "Resent-Bcc", "Resent-To", "Resent-Date"];

const CASES: readonly EditCase[] = [
  {
    name: "nothing edited",
    sent: BARE,
    edit: () => {},
    gives: { headers: [OWN, SUBJECT, X_A, ...BY_POSTFIX] },
    instead: { sendmail: { gives: { headers: [OWN, ...BY_SENDMAIL, SUBJECT, X_A] }, warns: [] } },
  },
  {
    name: "new headers everywhere",
    sent: BARE,
    edit: async ({ headers }) => {
      headers.insert("X-Top", "1", "start");
      headers.insert("X-Below", "2", "belowReceived");
      headers.insert("X-After", "3", { after: (await headers.get("Subject"))! });
      headers.append("X-End", "4");
    },
    gives: {
      headers: ["X-Top: 1", OWN, "X-Below: 2", SUBJECT, "X-After: 3", X_A, ...BY_POSTFIX, "X-End: 4"],
    },
    instead: {
      sendmail: {
        gives: {
          headers: ["X-Top: 1", OWN, "X-Below: 2", ...BY_SENDMAIL, SUBJECT, "X-After: 3", X_A, "X-End: 4"],
        },
        warns: [],
      },
    },
  },
  {
    name: "a Date below all others",
    sent: BARE,
    edit: ({ headers }) => void headers.append("Date", DATE),
    gives: { headers: [OWN, SUBJECT, X_A, ...BY_POSTFIX, `Date: ${DATE}`] },
    instead: {
      sendmail: {
        gives: { headers: [OWN, `Date: ${DATE}`, ...BY_SENDMAIL.slice(1), SUBJECT, X_A] },
        warns: [hasPlaceFor("Date")],
      },
    },
  },
  {
    name: "a Date below the MTA's own Received",
    sent: BARE,
    edit: ({ headers }) => void headers.insert("Date", DATE, "belowReceived"),
    gives: { headers: [OWN, `Date: ${DATE}`, SUBJECT, X_A, ...BY_POSTFIX] },
    instead: {
      sendmail: {
        gives: { headers: [OWN, `Date: ${DATE}`, ...BY_SENDMAIL.slice(1), SUBJECT, X_A] },
        warns: [],
      },
    },
  },
  {
    name: "all of them above all others",
    sent: BARE,
    edit: ({ headers }) => {
      headers.insert("Message-Id", "<new@example.test>", "start");
      headers.insert("From", "new@example.test", "start");
      headers.insert("Date", DATE, "start");
    },
    gives: {
      headers: [
        ...[`Date: ${DATE}`, "From: new@example.test", "Message-Id: <new@example.test>"],
        ...[OWN, SUBJECT, X_A, ...BY_POSTFIX],
      ],
    },
    instead: {
      sendmail: {
        gives: {
          headers: [
            ...[OWN, `Date: ${DATE}`, "From: new@example.test", "Message-Id: <new@example.test>"],
            ...[SUBJECT, X_A],
          ],
        },
        warns: ["Date", "From", "Message-Id"].map(hasPlaceFor),
      },
    },
  },
  {
    name: "those of Postfix are changed and deleted like all others",
    sent: BARE,
    edit: async ({ headers }) => {
      headers.delete((await headers.get("Message-Id"))!);
      headers.update((await headers.get("Date"))!, DATE);
      headers.insert("X-New", "1", { before: (await headers.get("From"))! });
    },
    gives: { headers: [OWN, SUBJECT, X_A, `Date: ${DATE}`, "X-New: 1", "From: sender@example.test"] },
    only: "postfix",
  },
  {
    name: "a Message-Id and a From in the place of those that are deleted",
    edit: async ({ headers }) => {
      headers.delete((await headers.get("Message-Id"))!);
      headers.append("Message-Id", "<new@example.test>");
      headers.delete((await headers.get("From"))!);
      headers.insert("From", "new@example.test", "start");
    },
    gives: {
      headers: [
        ...["From: new@example.test", OWN],
        ...LINES.filter((line) => !/^(From|Message-Id):/.test(line)),
        "Message-Id: <new@example.test>",
      ],
    },
  },
  {
    name: "headers that Sendmail keeps to itself",
    edit: ({ headers }) => {
      for (const name of KEPT) headers.append(name, "new@example.test");
    },
    gives: { headers: [OWN, ...LINES, ...KEPT.map((name) => `${name}: new@example.test`)] },
    instead: { sendmail: { gives: { headers: [OWN, ...LINES] }, warns: KEPT.map(keeps) } },
  },
  {
    name: "a Resent- header for a message that has one",
    sent: { headers: [...RESENT, ...LINES] },
    edit: async ({ headers }) => {
      headers.insert("Resent-Cc", "new@example.test", { after: (await headers.get("Resent-To"))! });
    },
    gives: { headers: [OWN, RESENT[0]!, "Resent-Cc: new@example.test", ...RESENT.slice(1), ...LINES] },
  },
  {
    name: "no header at all",
    sent: { headers: [] },
    edit: ({ headers }) => {
      headers.append("X-End", "1");
      headers.insert("X-Below", "2", "belowReceived");
      headers.insert("X-Top", "3", "start");
    },
    gives: { headers: ["X-Top: 3", OWN, "X-Below: 2", ...BY_POSTFIX, "X-End: 1"] },
    instead: {
      sendmail: {
        gives: { headers: ["X-Top: 3", OWN, "X-Below: 2", ...BY_SENDMAIL, "X-End: 1"] },
        warns: [],
      },
    },
  },
  {
    name: "no header at all, and no body",
    sent: { headers: [], body: "" },
    edit: async ({ headers, body }) => {
      await headers.collect();
      headers.insert("Subject", "first", 0);
      body.replace("new\r\n");
    },
    gives: { headers: [OWN, "Subject: first", ...BY_POSTFIX], body: "new\r\n" },
    instead: {
      sendmail: { gives: { headers: [OWN, "Subject: first", ...BY_SENDMAIL], body: "new\r\n" }, warns: [] },
    },
  },
  {
    name: "one header, which is deleted, and new ones around it",
    sent: { headers: [SUBJECT] },
    edit: async ({ headers }) => {
      const subject = (await headers.get("Subject"))!;
      headers.insert("X-Before", "1", { before: subject });
      headers.insert("X-After", "2", { after: subject });
      headers.delete(subject);
    },
    gives: { headers: [OWN, "X-Before: 1", "X-After: 2", ...BY_POSTFIX] },
    instead: {
      sendmail: { gives: { headers: [OWN, "X-Before: 1", "X-After: 2", ...BY_SENDMAIL] }, warns: [] },
    },
  },
  {
    name: "empty ones, which Sendmail takes for missing and keeps from filters",
    sent: { headers: ["Date:", "From: ", "Message-Id:  ", "X-Empty:", SUBJECT] },
    edit: async ({ headers }) => {
      headers.insert("X-New", "1", { before: (await headers.get("Subject"))! });
    },
    gives: { headers: [OWN, "Date:", "From: ", "Message-Id:  ", "X-Empty:", "X-New: 1", SUBJECT] },
    instead: {
      sendmail: { gives: { headers: [OWN, ...BY_SENDMAIL, "X-Empty:", "X-New: 1", SUBJECT] }, warns: [] },
    },
  },
];

testEdits("edits of headers that MTAs make", CASES);
