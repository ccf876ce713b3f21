/** Has Node 20 and 22 load the lowered `.ts` files of a stage as what they are: modules in JavaScript. */

import { register } from "node:module";

register("./node_ts_loader.mjs", import.meta.url);
