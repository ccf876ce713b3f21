/** A user's program: loads the entry points that it is given, by `import` and by `require`. */

import { createRequire } from "node:module";
import process from "node:process";

const require = createRequire(import.meta.url);

for (const name of process.argv.slice(2)) {
  const imported = await import(name);
  const names = Object.keys(imported);
  if (names.length === 0) throw new Error(`${name} exports nothing`);
  const required = require(name.replace("npm:", "")); // `require` knows no such prefix.
  const other = names.find((one) => imported[one] !== required[one]);
  if (other !== undefined) throw new Error(`${name} has another ${other} by require()`);
}
