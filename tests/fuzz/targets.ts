/** What fuzzers aim at: each takes any bytes, and fails if these bring something out that must not be. */

import type { Random } from "../harness.ts";
import { blunder, type Tally } from "./conversations.ts";
import { checkMessage, checkMime } from "./mime.ts";
import { checkCommands, checkReplies } from "./streams.ts";
import { checkTexts } from "./texts.ts";

/** A target. */
export interface Target {
  /** What is tried. */
  readonly about: string;
  /** What it counts. */
  readonly unit: string;
  /** Whether it returns at once: a fuzzer that need not wait is much quicker. */
  readonly atOnce: boolean;
  /** Tries the bytes; what else is chosen follows from `random`. Returns how much was tried, or fails. */
  readonly check: (bytes: Uint8Array, random: Random) => number | Promise<number>;
}

/** The name of a target. */
export type TargetName = "commands" | "replies" | "session" | "texts" | "mime" | "messages";

/** All targets. */
export const TARGETS: Readonly<Record<TargetName, Target>> = {
  commands: {
    about: "framer, decoder and the filter's end of the protocol, by what MTAs say",
    unit: "frames",
    atOnce: true,
    check: checkCommands,
  },
  replies: {
    about: "framer, decoder and the MTA's end of the protocol, by what filters say",
    unit: "frames",
    atOnce: true,
    check: checkReplies,
  },
  session: {
    about: "the session with filters of any manners, by what MTAs say with mistakes",
    unit: "commands",
    atOnce: false,
    check: async (bytes, random) => {
      const tally: Tally = { conversations: 0, commands: 0, replies: 0 };
      await blunder(bytes, random, tally);
      return tally.commands;
    },
  },
  texts: {
    about: "reply texts, macros, addresses, values of headers",
    unit: "texts",
    atOnce: true,
    check: checkTexts,
  },
  mime: {
    about: "encoded words, address lists and parameters",
    unit: "texts",
    atOnce: true,
    check: checkMime,
  },
  messages: {
    about: "whole messages taken apart",
    unit: "messages",
    atOnce: false,
    check: checkMessage,
  },
};
