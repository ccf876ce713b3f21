import { encodeCommand } from "../../protocol/codec.ts";
import { type BadInput, mustNotHang } from "./bad_input.ts";
import type { Case } from "./case.ts";
import {
  ABORT,
  body,
  connect,
  DATA,
  END_OF_HEADERS,
  endOfMessage,
  greeting,
  header,
  helo,
  macros,
  mail,
  message,
  NEW_CONNECTION,
  QUIT,
  rcpt,
  unknown,
  withoutMacros,
} from "./samples.ts";
import type { Stand } from "./stand.ts";
import type { Talk } from "./talk.ts";

const ABORT_ENDS = "ABORT ends the message, not the connection, and has no answer";
const CLOSES = "a close without QUIT is a normal end: Sendmail does it after DATA";

/** What a mail may be left in the middle of. */
const PLACES = ["mail", "rcpt", "header", "body"] as const;

/** Ends a message at each place, in one conversation, and plays one to its end after it. */
async function leftAtEach(stand: Stand, leave: (talk: Talk) => Promise<void>): Promise<void> {
  const talk = await stand.greeted();
  for (const place of PLACES) {
    const commands = message();
    await talk.play(commands.slice(0, commands.findIndex(({ type }) => type === place) + 1));
    await leave(talk);
  }
  await talk.play(message());
  await talk.finish();
}

/** Commands that may not come where they do. */
const OUT_OF_ORDER: readonly BadInput[] = ([
  ["a body before MAIL", body("x"), greeting(), mail()],
  ["an end of message before MAIL", endOfMessage(), greeting(), mail()],
  ["a header before MAIL", header("Name", " value"), greeting(), mail()],
  ["a RCPT before HELO", rcpt(), [connect()], helo()],
  ["a CONNECT after MAIL", connect(), [...greeting(), mail()], mail()],
  ["a header after the end of headers", header("Name", " value"), [
    ...[...greeting(), mail(), rcpt()],
    ...[DATA, END_OF_HEADERS],
  ], mail()],
] as const).map(([what, said, after, then]) => ({
  what,
  bytes: encodeCommand(said),
  after,
  as: said.type,
  then,
}));

/** Whole conversations, and what stands in other places than usual. */
export const ORDER_CASES: readonly Case[] = [
  {
    name: "postfix",
    about: "a mail as Postfix plays it: macros before each command, ABORT after",
    rule: "one answer to each command",
    async play(stand) {
      const talk = await stand.open();
      await talk.play([...greeting(), ...message()]);
      await talk.say(ABORT);
      await talk.say(ABORT);
      await talk.finish();
    },
  },
  {
    name: "sendmail",
    about: "a mail as Sendmail plays it: few macros, each written by itself",
    rule: "one answer to each command",
    async play(stand) {
      const talk = await stand.open();
      talk.joins = false;
      await talk.play([
        macros("C", { j: "mta.example", _: "client.example [192.0.2.1]", v: "8.17.1.9" }),
        connect(),
        macros("H"),
        helo(),
        macros("M", { i: "5AB0000012345", "{mail_addr}": "sender@example.com" }),
        ...withoutMacros(message()).slice(0, -1),
        macros("E", { "{msg_id}": "<1@client.example>" }),
        endOfMessage(),
      ]);
      await talk.finish();
    },
  },
  {
    name: "two-messages",
    about: "two mails on one connection, ABORT between",
    rule: "a message ends, CONNECT and HELO stand",
    async play(stand) {
      const talk = await stand.greeted();
      await talk.play(message());
      await talk.say(ABORT);
      await talk.play(message({ rcpts: [rcpt("<other@example.com>")] }));
      await talk.finish();
    },
  },
  {
    name: "many-messages",
    about: "50 mails on one connection, without ABORT after an end",
    rule: "Sendmail sends no ABORT after a normal end",
    async play(stand) {
      const talk = await stand.greeted();
      for (let count = 0; count < 50; count++) await talk.play(withoutMacros(message()));
      await talk.finish();
    },
  },
  {
    name: "abort",
    about: "ABORT in the middle of a mail, at each place, and a new mail",
    rule: ABORT_ENDS,
    play: (stand) => leftAtEach(stand, async (talk) => void await talk.say(ABORT)),
  },
  {
    name: "double-abort",
    about: "ABORT twice, at each place, and a new mail",
    rule: "Postfix sends it twice at times",
    play: (stand) =>
      leftAtEach(stand, async (talk) => {
        await talk.say(ABORT);
        await talk.say(ABORT);
      }),
  },
  {
    name: "abort-before-mail",
    about: "ABORT before HELO and before MAIL",
    rule: ABORT_ENDS,
    async play(stand) {
      const talk = await stand.open();
      for (const said of greeting()) {
        await talk.play([said]);
        if (said.type !== "macros") await talk.say(ABORT);
      }
      await talk.play(message());
      await talk.finish();
    },
  },
  {
    name: "abort-after-end",
    about: "ABORT after the end of a mail, and a new mail",
    rule: "Postfix sends it even after a normal end, just before the next MAIL",
    async play(stand) {
      const talk = await stand.greeted();
      for (let count = 0; count < 3; count++) {
        await talk.play(message());
        talk.gathers = true;
        await talk.say(ABORT);
      }
      await talk.play(message());
      await talk.finish();
    },
  },
  {
    name: "implied-abort",
    about: "MAIL in the middle of a mail, without ABORT",
    rule: "a new MAIL ends the last message too",
    play: (stand) => leftAtEach(stand, async () => {}),
  },
  {
    name: "second-helo",
    about: "HELO again before a mail, as after STARTTLS",
    rule: "HELO may come again",
    async play(stand) {
      const talk = await stand.greeted();
      await talk.play([macros("H", { "{tls_version}": "TLSv1.3" }), helo("other.example"), ...message()]);
      await talk.play([helo("third.example"), ...message()]);
      await talk.finish();
    },
  },
  {
    name: "helo-in-mail",
    about: "HELO in the middle of a mail, before and after its ABORT",
    rule: "it ends the message: Postfix sends H, later A; Sendmail A, then H",
    async play(stand) {
      const talk = await stand.greeted();
      await talk.reach("mail", message());
      await talk.play([helo("other.example")]);
      await talk.say(ABORT);
      await talk.play(withoutMacros(message()).slice(0, 2));
      await talk.say(ABORT);
      await talk.play([helo("third.example"), ...message()]);
      await talk.finish();
    },
  },
  {
    name: "no-helo",
    about: "a mail without HELO",
    rule: "HELO may be missing, unless the MTA insists on it",
    async play(stand) {
      const talk = await stand.open();
      await talk.play([...greeting().slice(0, 2), ...message()]);
      await talk.finish();
    },
  },
  {
    name: "unknown-command",
    about: "SMTP commands that the MTA does not know, also within a mail",
    rule: "one answer, which is no accept and no discard: Postfix's smtpd dies by these",
    async play(stand) {
      const talk = await stand.greeted();
      const strange = [unknown("XUNKNOWN"), unknown("VRFY <user@example.com>"), unknown("")];
      await talk.play(strange);
      talk.need("unknown");
      await talk.play([...withoutMacros(message()).slice(0, 2), ...strange, ABORT, ...message()]);
      await talk.finish();
    },
  },
  {
    name: "out-of-order",
    about: "a body before MAIL, an end of message before MAIL, a CONNECT after it",
    rule: "close, refuse, or pass it over as libmilter does, but do not hang",
    play: (stand) => mustNotHang(stand, OUT_OF_ORDER),
  },
  {
    name: "quit",
    about: "QUIT after a mail, and QUIT at once",
    rule: "no answer, and a close",
    async play(stand) {
      for (const commands of [[], [...greeting(), ...message()]]) {
        const talk = await stand.open();
        await talk.play(commands);
        await talk.say(QUIT);
        await talk.expectEnd("does not close after QUIT");
      }
    },
  },
  {
    name: "quit-in-mail",
    about: "QUIT in the middle of a mail",
    rule: "Sendmail does so after RCPT",
    async play(stand) {
      for (const place of PLACES) {
        const talk = await stand.greeted();
        const commands = message();
        await talk.play(commands.slice(0, commands.findIndex(({ type }) => type === place) + 1));
        await talk.finish();
      }
      await stand.serves();
    },
  },
  {
    name: "new-connection",
    about: "QUIT_NC (K), and another client on the same socket",
    rule: "SMFIC_QUIT_NC: all but the negotiation begins afresh, and it has no answer",
    async play(stand) {
      const talk = await stand.open();
      for (let count = 0; count < 3; count++) {
        await talk.play([...greeting(), ...message()]);
        await talk.say(NEW_CONNECTION);
        talk.ending = undefined;
      }
      await talk.play([...greeting(), ...message()]);
      await talk.finish();
    },
  },
  {
    name: "new-connection-in-mail",
    about: "QUIT_NC (K) in the middle of a mail",
    rule: "SMFIC_QUIT_NC ends the message as QUIT does",
    async play(stand) {
      const talk = await stand.open();
      for (const place of PLACES) {
        const commands = [...greeting(), ...message()];
        await talk.play(commands.slice(0, commands.findIndex(({ type }) => type === place) + 1));
        await talk.say(NEW_CONNECTION);
        talk.ending = undefined;
      }
      await talk.play([...greeting(), ...message()]);
      await talk.finish();
    },
  },
  {
    name: "close",
    about: "the MTA closes its side without QUIT, at each place",
    rule: CLOSES,
    async play(stand) {
      const commands = [...greeting(), ...message()];
      for (let end = 0; end <= commands.length; end += 3) {
        const talk = await stand.open();
        await talk.play(commands.slice(0, end));
        await talk.finish(false);
      }
      await stand.serves();
    },
  },
  {
    name: "close-at-once",
    about: "the MTA goes away without a word, also while it should be answered",
    rule: CLOSES,
    async play(stand) {
      for (const after of [[], greeting(), [...greeting(), ...withoutMacros(message()).slice(0, 4)]]) {
        const talk = await stand.open();
        await talk.play(after);
        talk.wire.write(encodeCommand(mail()));
        await talk.wire.close();
      }
      await (await stand.connect()).close();
      await stand.serves();
    },
  },
  {
    name: "half-close",
    about: "the MTA closes its side right after a command, and listens on",
    rule: "TCP closes each side by itself: the answer is still wanted",
    async play(stand) {
      const talk = await stand.greeted();
      const commands = message();
      await talk.play(commands.slice(0, -1));
      if (talk.ending !== undefined) talk.need("endOfMessage");
      talk.wire.write(encodeCommand(endOfMessage()));
      talk.wire.end();
      await talk.hear("endOfMessage");
      await talk.expectEnd("does not close after the MTA did");
    },
  },
];
