/** The names of the cases of `kilter conform`: not all of them have to be played each time. */

import { CASES } from "../../../src/cli/conform/cases.ts";

/** All of them. */
export const ALL: readonly string[] = CASES.map(({ name }) => name);

/** Those that take their time, because they stall, or say a lot. */
const LONG: readonly string[] = [
  ...["stalled-frame", "stalled-length", "byte-by-byte", "every-split", "full-chunks"],
  ...["many-headers", "many-recipients", "many-messages", "flags-offered", "actions-offered"],
];

/** All others. */
export const SHORT: readonly string[] = ALL.filter((name) => !LONG.includes(name));
