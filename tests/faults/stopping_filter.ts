/**
 * The filter of `stopping.ts` as a program. Its arguments are an address and a file, which says at which stage a message
 * is held, or that the process is killed as it reaches a verdict. It ends with the test that started it.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { serve } from "../../mod.ts";
import { stopping } from "./stopping.ts";

const [, , address = "", file = ""] = process.argv;
const where = () => readFileSync(file, "utf8");

await serve(stopping(where, (stage) => console.log(`stopped at ${stage}`)), {
  listen: JSON.parse(address),
  log: () => {},
  observer: {
    verdictReached() {
      if (where() === "verdict") process.kill(process.pid, "SIGKILL");
    },
  },
});
process.stdin.once("end", () => process.exit(99)).resume();
console.log("serving");
