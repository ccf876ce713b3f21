/**
 * Serves a filter of filters.ts.
 *
 *   deno run -A scripts/bench/filter.ts answered|end|default|slow address
 *
 * @module
 */

import { argv } from "node:process";
import { serve } from "../../mod.ts";
import type { FilterName } from "./contenders.ts";
import { FILTERS } from "./filters.ts";

const [, , name, listen] = argv;
const server = await serve(FILTERS[name as FilterName], { listen: listen! });
await server.finished;
