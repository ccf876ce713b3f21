/**
 * Strips every header whose name starts with "X-", as the headers arrive.
 *
 *   deno run --allow-net examples/strip_x.ts
 *
 * @module
 */

import { accept, defineFilter, type Filter, serve } from "@kilter/milter";

const stripX: Filter = defineFilter(
  { name: "strip-x", sees: ["headers"], edits: ["headers"] },
  async (session) => {
    for await (const header of session.headers) {
      if (/^x-/i.test(header.name)) session.headers.delete(header);
    }
    return accept();
  },
);

export default stripX;

if (import.meta.main) {
  const server = await serve(stripX, { listen: "inet:8891@127.0.0.1" });
  await server.finished;
}
