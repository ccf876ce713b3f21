/** Rule 4: recipients are judged one by one, each while the filter looks at it. */

import { accept, defineFilter, discard, MilterError, type Recipient, reject } from "../../mod.ts";
import { assertEquals, assertThrows, test } from "../harness.ts";
import { GREETING, MESSAGE, rcpt } from "../mta_commands.ts";
import { play, settle } from "../mta_player.ts";

const REST = ["data", "header", "endOfHeaders", "endOfMessage"] as const;

test("Recipient.reject and .tempfail refuse that recipient and no other", async () => {
  await using mta = await play(async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      if (recipient.address.startsWith("no")) recipient.reject();
      if (recipient.address.startsWith("never")) recipient.reject("550 5.1.1 Nobody here: 100%");
      if (recipient.address.startsWith("later")) recipient.tempfail();
      if (recipient.address.startsWith("full")) recipient.tempfail({ code: 452, enhanced: "4.2.2" });
    }
    return accept();
  });
  await mta.play([...GREETING, "mail"]);
  const answers: readonly (readonly [string, string])[] = [
    ["yes", "continue"],
    ["no", "reject"],
    ["never", 'replyCode "550 5.1.1 Nobody here: 100%%"'],
    ["later", "tempfail"],
    ["full", 'replyCode "452 4.2.2 Service unavailable - try again later"'],
    ["no", "reject"],
    ["yes", "continue"],
  ];
  for (const [name, answer] of answers) assertEquals(await mta.say(rcpt(`<${name}@example.com>`)), [answer]);
  assertEquals(await mta.play(REST), ["data: accept"]);
});

test("Recipient keeps the last refusal, and the mail goes on to the rest", async () => {
  await using mta = await play(async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      recipient.reject();
      recipient.tempfail("450 4.2.0 Greylisted");
    }
    return reject("No recipients");
  });
  await mta.play([...GREETING, "mail"]);
  assertEquals(await mta.say("rcpt"), ['replyCode "450 4.2.0 Greylisted"']);
  assertEquals(await mta.say("rcpt"), ['replyCode "450 4.2.0 Greylisted"']);
  assertEquals(await mta.play(REST), ['data: replyCode "550 5.7.1 No recipients"']);
});

test("Recipient has its own refusal even where the message has its verdict", async () => {
  await using mta = await play(async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      recipient.reject("550 5.1.1 Nobody here");
      return discard();
    }
    return accept();
  });
  await mta.play([...GREETING, "mail"]);
  assertEquals(await mta.say("rcpt"), ['replyCode "550 5.1.1 Nobody here"']);
  assertEquals(await mta.say("rcpt"), ["discard"]);
});

test("Recipient that is judged late throws, and its answer stands", async () => {
  const codes: string[] = [];
  const judge = (recipient: Recipient) => {
    for (const refuse of [() => recipient.reject(), () => recipient.tempfail("450 Later")]) {
      codes.push(assertThrows(refuse, MilterError).code);
    }
  };
  let kept: Recipient | undefined;
  await using mta = await play(async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      if (kept !== undefined) judge(kept);
      kept = recipient;
    }
    judge(kept!);
    return accept();
  });
  await mta.play([...GREETING, "mail"]);
  assertEquals(await mta.play(["rcpt", "rcpt", ...REST]), [
    "rcpt: continue",
    "rcpt: continue",
    "data: accept",
  ]);
  judge(kept!);
  // Once the next was asked for, after the loop, after the verdict.
  assertEquals(codes, ["PASSED", "PASSED", "PASSED", "PASSED", "SETTLED", "SETTLED"]);
});

test("Recipient with a reply that cannot be sent throws, and can still be judged", async () => {
  await using mta = await play(async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      assertThrows(() => recipient.reject("451 4.7.1 Later"), RangeError);
      assertThrows(() => recipient.tempfail("No\0"), TypeError);
      recipient.reject();
    }
    return accept();
  });
  await mta.play([...GREETING, "mail"]);
  assertEquals(await mta.say("rcpt"), ["reject"]);
});

test("Recipient of a filter that does not answer recipients cannot be judged", async () => {
  const codes: string[] = [];
  await using mta = await play(defineFilter({ answers: ["data"] }, async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      codes.push(assertThrows(() => recipient.reject(), MilterError).code);
    }
    return accept();
  }));
  assertEquals(await mta.play([...GREETING, ...MESSAGE]), ["data: accept"]);
  assertEquals(codes, ["NOT_AGREED"]);
});

test("Recipient tells address, arguments, parameters and bytes as the client wrote them", async () => {
  const seen: unknown[] = [];
  await using mta = await play(async (session) => {
    for await (const { address, arguments: words, parameters, raw } of session.envelopeRecipients()) {
      seen.push([address, words, Object.fromEntries(parameters), String.fromCharCode(...raw)]);
    }
    return accept();
  });
  await mta.play([
    ...GREETING,
    "mail",
    rcpt("<User@Example.com>", "NOTIFY=SUCCESS,FAILURE", "orcpt=rfc822;a=b", "FLAG"),
    rcpt("bare@example.com"),
    rcpt("<User@Example.com>"),
    ...REST,
  ]);
  assertEquals(seen, [
    [
      "User@Example.com",
      ["NOTIFY=SUCCESS,FAILURE", "orcpt=rfc822;a=b", "FLAG"],
      { NOTIFY: "SUCCESS,FAILURE", ORCPT: "rfc822;a=b", FLAG: "" },
      "<User@Example.com>",
    ],
    ["bare@example.com", [], {}, "bare@example.com"],
    ["User@Example.com", [], {}, "<User@Example.com>"],
  ]);
});

test("Recipient keeps the macros of its moment, and tells whether the MTA has refused it", async () => {
  const kept: Recipient[] = [];
  const filter = defineFilter({ rejectedRecipients: true }, async (session) => {
    for await (const recipient of session.envelopeRecipients()) kept.push(recipient);
    return accept();
  });
  await using mta = await play(filter);
  await mta.play([...GREETING, "mail"]);
  for (const [mailer, host] of [["smtp", "example.com"], ["error", "5.1.1"], ["local", ""]] as const) {
    await mta.macros("R", { "{rcpt_mailer}": mailer, "{rcpt_host}": host });
    await mta.say("rcpt");
  }
  await mta.play(REST);
  assertEquals(kept.map(({ macros, refused }) => [macros.get("rcpt_host"), refused]), [
    ["example.com", false],
    ["5.1.1", true],
    ["", false],
  ]);
});

test("Recipient who was refused is none of the mail's, and can be added", async () => {
  const filter = defineFilter({ rejectedRecipients: true }, async (session) => {
    for await (const recipient of session.envelopeRecipients()) {
      if (recipient.address.startsWith("no")) recipient.reject();
      session.addRecipient(recipient.address);
    }
    return accept();
  });
  await using mta = await play(filter);
  await mta.play([...GREETING, "mail"]);
  for (const name of ["yes", "no", "error"]) {
    await mta.macros("R", { "{rcpt_mailer}": name });
    await mta.say(rcpt(`<${name}@example.com>`));
  }
  assertEquals(await mta.play(REST), [
    "data: continue",
    "endOfHeaders: continue",
    'endOfMessage: addRecipient "<no@example.com>"',
    'endOfMessage: addRecipient "<error@example.com>"',
    "endOfMessage: accept",
  ]);
});

test("Recipient waits for its judgement, even while somebody waits for what comes later", async () => {
  await using mta = await play(async (session) => {
    const end = session.endOfMessage();
    for await (const recipient of session.envelopeRecipients()) {
      await settle();
      recipient.reject();
    }
    await end;
    return accept();
  });
  await mta.play([...GREETING, "mail"]);
  assertEquals(await mta.play(["rcpt", "rcpt", ...REST]), [
    "rcpt: reject",
    "rcpt: reject",
    "data: continue",
    "endOfHeaders: continue",
    "endOfMessage: accept",
  ]);
});
