import { encodeCommand } from "../../protocol/codec.ts";
import type { Case } from "./case.ts";
import { ABORT, connect, greeting, HEADERS, mail, message, rcpt, withoutMacros } from "./samples.ts";
import { WHOLE } from "./talk.ts";

const SPLIT = "TCP keeps no borders: frames come split and joined at any byte";
const STALLS = "a loaded MTA takes seconds, and milters are to be generous";

/** How long a stalled MTA says nothing, in milliseconds. */
const STALL = 1200;

/** A short mail, of which every frame is cut at every place. */
const SHORT = withoutMacros(
  message({ mail: mail("<>"), rcpts: [rcpt("<a@b.example>")], headers: HEADERS.slice(1, 3) }),
);

function cutAt(at: number): (frame: Uint8Array) => readonly Uint8Array[] {
  return (frame) => Math.abs(at) < frame.length ? [frame.subarray(0, at), frame.subarray(at)] : [frame];
}

/** How frames are cut, joined and delayed. */
export const SPLIT_CASES: readonly Case[] = [
  {
    name: "byte-by-byte",
    about: "every byte in a segment of its own",
    rule: SPLIT,
    async play(stand) {
      const talk = await stand.open();
      talk.cut = (frame) => Array.from(frame, (_, at) => frame.subarray(at, at + 1));
      await talk.play([...greeting(), ...SHORT]);
      await talk.finish();
    },
  },
  {
    name: "every-split",
    about: "every frame in two pieces, cut at every byte",
    rule: SPLIT,
    async play(stand) {
      const talk = await stand.greeted();
      const longest = Math.max(...SHORT.map((said) => encodeCommand(said).length));
      for (let at = 1; at < longest; at++) {
        talk.cut = cutAt(at);
        await talk.play(SHORT);
      }
      talk.cut = WHOLE;
      await talk.finish();
    },
  },
  {
    name: "joined",
    about: "ABORT, macros and the next MAIL in one segment",
    rule: "Postfix writes them so",
    async play(stand) {
      const talk = await stand.greeted();
      await talk.reach("rcpt", message());
      talk.gathers = true;
      await talk.say(ABORT);
      await talk.play(message());
      await talk.finish();
    },
  },
  {
    name: "one-and-a-half",
    about: "macros and a part of their command in one segment, then the rest",
    rule: SPLIT,
    async play(stand) {
      const talk = await stand.open();
      talk.cut = cutAt(-3);
      talk.gap = 5;
      await talk.play([...greeting(), ...message()]);
      talk.cut = WHOLE;
      await talk.finish();
    },
  },
  {
    name: "stalled-frame",
    about: `silence for ${STALL / 1000} s within a frame, then on`,
    rule: STALLS,
    async play(stand) {
      const talk = await stand.greeted();
      talk.cut = cutAt(7);
      talk.gap = STALL;
      const [sender, ...others] = withoutMacros(message());
      await talk.play([sender!]);
      talk.cut = WHOLE;
      await talk.play(others);
      await talk.finish();
    },
  },
  {
    name: "stalled-length",
    about: `silence for ${STALL / 1000} s within a length, then on`,
    rule: STALLS,
    async play(stand) {
      const talk = await stand.open();
      talk.cut = cutAt(2);
      talk.gap = STALL;
      await talk.play([connect()]);
      talk.cut = WHOLE;
      await talk.play(message());
      await talk.finish();
    },
  },
];
