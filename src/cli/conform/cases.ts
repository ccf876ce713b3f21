import { ANSWER_CASES } from "./answer_cases.ts";
import type { Case, CaseGroup } from "./case.ts";
import { CONNECTION_CASES } from "./connection_cases.ts";
import { BROKEN_FRAME_CASES, SPLIT_CASES } from "./frame_cases.ts";
import { MACRO_CASES } from "./macro_cases.ts";
import { MAIL_CASES } from "./mail_cases.ts";
import { NEGOTIATION_CASES } from "./negotiation_cases.ts";
import { ORDER_CASES } from "./order_cases.ts";

/** All cases. */
export const CASE_GROUPS: readonly CaseGroup[] = [
  { title: "Negotiation", cases: NEGOTIATION_CASES },
  { title: "Conversations", cases: ORDER_CASES },
  { title: "Answers", cases: ANSWER_CASES },
  { title: "Mails", cases: MAIL_CASES },
  { title: "Macros", cases: MACRO_CASES },
  { title: "Frames", cases: SPLIT_CASES },
  { title: "Broken frames", cases: BROKEN_FRAME_CASES },
  { title: "Connections", cases: CONNECTION_CASES },
];

/** All cases, in order. */
export const CASES: readonly Case[] = CASE_GROUPS.flatMap(({ cases }) => cases);
