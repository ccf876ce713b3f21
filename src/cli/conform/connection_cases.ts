import { encodeCommand } from "../../protocol/codec.ts";
import { latin1 } from "./bad_input.ts";
import type { Case } from "./case.ts";
import { body, greeting, message } from "./samples.ts";
import { USUAL_OFFER } from "./stand.ts";

const APART = "an MTA holds many connections at a time, and each is a client of its own";

/** How many connections are open at the same time. */
const AT_ONCE = 10;

/** Several connections, and what one may do to another. */
export const CONNECTION_CASES: readonly Case[] = [
  {
    name: "ten-at-once",
    about: `${AT_ONCE} connections, their commands in turns`,
    rule: APART,
    async play(stand) {
      const talks = await Promise.all(Array.from({ length: AT_ONCE }, () => stand.open()));
      for (const said of [...greeting(), ...message()]) {
        await Promise.all(talks.map((talk) => talk.play([said])));
      }
      await Promise.all(talks.map((talk) => talk.finish()));
    },
  },
  {
    name: "silent-beside",
    about: "connections that say nothing, or stop within a frame, beside a mail",
    rule: APART,
    async play(stand) {
      await stand.connect();
      (await stand.connect()).write(encodeCommand(USUAL_OFFER).subarray(0, 7));
      await stand.greeted();
      const talk = await stand.open();
      await talk.play([...greeting(), ...message()]);
      await talk.finish();
    },
  },
  {
    name: "bad-neighbour",
    about: "broken bytes and resets on other connections while a mail is under way",
    rule: APART,
    async play(stand) {
      const talk = await stand.greeted();
      const commands = message({ chunks: [body("one\r\n"), body("two\r\n")] });
      for (const [at, said] of commands.entries()) {
        await talk.play([said]);
        if (at % 4 !== 1) continue;
        const other = await stand.connect();
        other.write(latin1("\xff\xff\xff\xffGET / HTTP/1.1\r\n\r\n"));
        if (at % 8 === 1) await other.close();
        else await other.read("hangs at a length of 4 GB");
      }
      await talk.finish();
    },
  },
  {
    name: "come-and-go",
    about: "50 connections, one after the other, that end early",
    rule: "MTAs open and close connections all the time; nothing may be left behind",
    async play(stand) {
      for (let count = 0; count < 50; count++) {
        const talk = await stand.open();
        await talk.play(greeting().slice(0, count % 5));
        if (count % 2 === 0) await talk.wire.close();
        else await talk.finish(count % 3 === 0);
      }
      await stand.serves();
    },
  },
];
