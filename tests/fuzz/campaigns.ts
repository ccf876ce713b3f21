/** What is tried with random input: whole conversations by the rules, and mistakes for every target. */

import type { Random } from "../harness.ts";
import { converse, type Tally } from "./conversations.ts";
import { mutate } from "./mistakes.ts";
import { SEEDS } from "./seeds.ts";
import { type TargetName, TARGETS } from "./targets.ts";

/** Something that is tried again and again. */
export interface Campaign {
  /** What it tries, in a sentence. */
  readonly about: string;
  /** What it counts. */
  readonly unit: string;
  /** Tries it once. Returns how much was tried, or fails. */
  readonly run: (random: Random) => number | Promise<number>;
}

/** The name of a campaign. */
export type CampaignName = "conversations" | TargetName;

/** All campaigns. */
export const CAMPAIGNS: Readonly<Record<CampaignName, Campaign>> = {
  conversations: {
    about: "whole conversations by the rules, with filters of any manners",
    unit: "commands",
    run: async (random) => {
      const tally: Tally = { conversations: 0, commands: 0, replies: 0 };
      await converse(random, tally);
      return tally.commands;
    },
  },
  commands: withMistakes("commands"),
  replies: withMistakes("replies"),
  session: withMistakes("session"),
  texts: withMistakes("texts"),
  mime: withMistakes("mime"),
  messages: withMistakes("messages"),
};

/** Makes mistakes in what a target begins with. */
function withMistakes(name: TargetName): Campaign {
  const { about, unit, check } = TARGETS[name];
  const seeds = SEEDS[name];
  return {
    about,
    unit,
    run: (random) => check(mutate(random, random.pick(seeds), random.pick(seeds)), random),
  };
}
