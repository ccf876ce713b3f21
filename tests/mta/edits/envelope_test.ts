/** Who a mail is from and for after edits, where it goes, and whether it goes at all. */

import { discard, quarantine, reject, type Session, tempfail } from "../../../mod.ts";
import { type EditCase, testEdits } from "./cases.ts";
import { OWN, SENT } from "./delivered.ts";

const [ONE, TWO] = SENT.to as [string, string];
const THREE = "<three@example.test>";

const to = (...recipients: string[]) => ({ to: recipients });

const KEEPS_ARGUMENTS = /^Sendmail keeps the arguments .* choose another spelling of the domain/;

const SENDERS: readonly EditCase[] = [
  {
    name: "another sender",
    edit: (session) => session.changeSender("new@example.test"),
    gives: { from: "<new@example.test>" },
  },
  {
    name: "another sender in brackets",
    edit: (session) => session.changeSender("<new@example.test>"),
    gives: { from: "<new@example.test>" },
  },
  { name: "the null sender", edit: (session) => session.changeSender(""), gives: { from: "<>" } },
  {
    name: "a sender for a mail of nobody",
    sent: { from: "<>" },
    edit: (session) => session.changeSender("new@example.test"),
    gives: { from: "<new@example.test>" },
  },
  {
    name: "a sender with arguments",
    edit: (session) => session.changeSender("new@example.test", { arguments: ["RET=HDRS", "ENVID=e1"] }),
    gives: { from: "<new@example.test> RET=HDRS ENVID=e1" },
  },
  {
    name: "a sender without arguments keeps those of the client",
    sent: { from: "<sender@example.test> RET=FULL ENVID=e0" },
    edit: (session) => session.changeSender("new@example.test"),
    gives: { from: "<new@example.test> RET=FULL ENVID=e0" },
  },
  {
    name: "the last sender of several",
    edit: (session) => {
      session.changeSender("first@example.test", { arguments: ["RET=HDRS"] });
      session.changeSender("");
      session.changeSender("last@example.test");
    },
    gives: { from: "<last@example.test>" },
  },
  {
    name: "a sender with a quoted name",
    edit: (session) => session.changeSender('"new sender"@example.test'),
    gives: { from: '<"new sender"@example.test>' },
  },
];

const RECIPIENTS: readonly EditCase[] = [
  {
    name: "one more",
    edit: (session) => session.addRecipient("three@example.test"),
    gives: to(ONE, TWO, THREE),
  },
  {
    name: "one more with arguments",
    edit: (session) => session.addRecipient("three@example.test", { arguments: ["NOTIFY=SUCCESS,FAILURE"] }),
    gives: to(ONE, TWO, `${THREE} NOTIFY=SUCCESS,FAILURE`),
  },
  {
    name: "one more with another address for its reports",
    edit: (session) =>
      session.addRecipient("three@example.test", {
        arguments: ["NOTIFY=NEVER", "ORCPT=rfc822;old@example.test"],
      }),
    gives: to(ONE, TWO, `${THREE} NOTIFY=NEVER ORCPT=rfc822;old@example.test`),
  },
  {
    name: "the same twice",
    edit: (session) => {
      session.addRecipient("three@example.test");
      session.addRecipient("<three@example.test>");
    },
    gives: to(ONE, TWO, THREE),
  },
  {
    name: "one who is there",
    edit: (session) => session.addRecipient("two@example.test"),
    gives: to(ONE, TWO),
  },
  {
    name: "one who is there, with arguments",
    edit: (session) => session.addRecipient("two@example.test", { arguments: ["NOTIFY=NEVER"] }),
    gives: to(ONE, `${TWO} NOTIFY=NEVER`),
    instead: { sendmail: { gives: to(ONE, TWO), warns: [KEEPS_ARGUMENTS] } },
  },
  {
    name: "one who is there, with arguments, in another spelling of the domain",
    edit: (session) => session.addRecipient("two@EXAMPLE.test", { arguments: ["NOTIFY=NEVER"] }),
    gives: to(ONE, "<two@EXAMPLE.test> NOTIFY=NEVER"),
  },
  {
    name: "one fewer",
    edit: (session) => session.removeRecipient("one@example.test"),
    gives: to(TWO),
  },
  {
    name: "one fewer, in another spelling than the client's",
    sent: to("<One@Example.TEST>", TWO),
    edit: (session) => session.removeRecipient("<one@example.test>"),
    gives: to(TWO),
  },
  {
    name: "one fewer, whom the client wrote without brackets",
    sent: to("one@example.test", TWO),
    edit: (session) => session.removeRecipient("one@example.test"),
    gives: to(TWO),
  },
  {
    name: "one fewer, whom the client gave arguments",
    sent: to(`${ONE} NOTIFY=NEVER`, `${TWO} NOTIFY=FAILURE`),
    edit: (session) => session.removeRecipient("one@example.test"),
    gives: to(`${TWO} NOTIFY=FAILURE`),
  },
  {
    name: "one fewer, whom the client named in two spellings",
    sent: to(ONE, "<ONE@example.test>", TWO),
    edit: (session) => session.removeRecipient("One@Example.test"),
    gives: to(TWO),
  },
  {
    name: "one fewer with a quoted name",
    sent: to('<"the one"@example.test>', TWO),
    edit: (session) => session.removeRecipient('"the one"@example.test'),
    gives: to(TWO),
  },
  {
    name: "one fewer who never was",
    edit: (session) => session.removeRecipient("three@example.test"),
    gives: to(ONE, TWO),
  },
  {
    name: "one added, then removed",
    edit: (session) => {
      session.addRecipient("three@example.test");
      session.removeRecipient("<three@example.test>");
    },
    gives: to(ONE, TWO),
  },
  {
    name: "one whom this filter has refused",
    edit: async (session) => {
      for await (const recipient of session.envelopeRecipients()) {
        if (recipient.address === "one@example.test") recipient.reject();
      }
      session.addRecipient("one@example.test");
    },
    gives: to(ONE, TWO),
    refused: ["rcpt <one@example.test>"],
  },
  {
    name: "one removed, then added",
    edit: (session) => {
      session.removeRecipient("one@example.test");
      session.addRecipient("one@example.test");
    },
    gives: to(ONE, TWO),
  },
  {
    name: "one removed, then added with arguments",
    sent: to(`${ONE} NOTIFY=FAILURE`, TWO),
    edit: (session) => {
      session.removeRecipient("one@example.test");
      session.addRecipient("one@example.test", { arguments: ["NOTIFY=NEVER"] });
    },
    gives: to(`${ONE} NOTIFY=NEVER`, TWO),
    instead: { sendmail: { gives: to(`${ONE} NOTIFY=FAILURE`, TWO), warns: [KEEPS_ARGUMENTS] } },
  },
  {
    name: "all others in their place",
    edit: redirect,
    gives: to(THREE),
  },
  {
    name: "nobody any more",
    edit: async (session) => {
      for await (const { address } of session.envelopeRecipients()) session.removeRecipient(address);
    },
    gives: "nothing",
  },
  {
    name: "before the headers, by a filter that looks no further",
    edit: async (session) => {
      await session.data();
      session.headers.append("X-New", "1");
      await redirect(session);
    },
    early: true,
    gives: { headers: [OWN, ...SENT.headers, "X-New: 1"], to: [THREE] },
  },
];

const REFUSED: readonly EditCase[] = [
  {
    name: "one whom Postfix has refused",
    sent: to(ONE, "<someone@refused.test>"),
    edit: async (session) => {
      for await (const { address, refused } of session.envelopeRecipients()) {
        if (refused) session.addRecipient(address);
      }
    },
    gives: to(ONE, "<someone@refused.test>"),
    refused: ["rcpt <someone@refused.test>"],
    only: "postfix", // Sendmail keeps those to itself that its rules refuse.
  },
];

async function redirect(session: Session): Promise<void> {
  for await (const { address } of session.envelopeRecipients()) session.removeRecipient(address);
  session.addRecipient("three@example.test");
}

/** Something of every kind. */
async function everything(session: Session): Promise<void> {
  session.body.replace("new\r\n");
  session.removeRecipient("two@example.test");
  session.headers.append("X-New", "1");
  session.changeSender("new@example.test");
  session.headers.delete((await session.headers.get("X-Other"))!);
  session.addRecipient("three@example.test");
  session.headers.insert("X-Top", "2", "start");
}

const FATES: readonly EditCase[] = [
  {
    name: "an accept at MAIL is carried to the end",
    edit: (session) => {
      session.headers.append("X-New", "1");
      session.addRecipient("three@example.test");
    },
    early: true,
    gives: { headers: [OWN, ...SENT.headers, "X-New: 1"], to: [ONE, TWO, THREE] },
  },
  {
    name: "everything at once, in no order",
    edit: everything,
    gives: {
      headers: ["X-Top: 2", OWN, ...SENT.headers.filter((line) => line !== "X-Other: o"), "X-New: 1"],
      body: "new\r\n",
      from: "<new@example.test>",
      to: [ONE, THREE],
    },
  },
  {
    name: "quarantine by an edit",
    edit: (session) => {
      session.headers.append("X-New", "1");
      session.quarantine("looks odd, 100%");
    },
    gives: { held: /X-New: 1/ },
  },
  {
    name: "quarantine keeps its reason, which Postfix only logs",
    edit: (session) => session.quarantine("looks odd, 100% %s %%"),
    gives: { held: /^qlooks odd, 100% %s %%$/m },
    only: "sendmail",
  },
  {
    name: "quarantine by the verdict",
    edit: ({ headers }) => void headers.append("X-New", "1"),
    verdict: quarantine("looks odd"),
    gives: { held: /X-New: 1/ },
  },
  { name: "reject drops the edits", edit: everything, verdict: reject(), gives: "nothing", refused: ["end"] },
  {
    name: "tempfail drops the edits",
    edit: everything,
    verdict: tempfail(),
    gives: "nothing",
    refused: ["end"],
  },
  { name: "discard drops the edits", edit: everything, verdict: discard(), gives: "nothing" },
  {
    name: "quarantine is dropped by a refusal",
    edit: (session) => session.quarantine("odd"),
    verdict: reject(),
    gives: "nothing",
    refused: ["end"],
  },
  { name: "the next mail is as it was sent", edit: () => {}, gives: {} },
];

testEdits("senders are as they were wished", SENDERS);
testEdits("recipients are as they were wished", RECIPIENTS);
testEdits("recipients whom the MTA refused can be added", REFUSED, {
  declaration: { rejectedRecipients: true },
});
testEdits("edits of all kinds share the fate of the mail", FATES);
