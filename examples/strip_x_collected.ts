/**
 * Strips every header whose name starts with "X-", once all headers are there: for a filter whose decision
 * about one header depends on the others. Here the headers stay if the mail is from a list that we run.
 *
 *   deno run --allow-net examples/strip_x_collected.ts
 *
 * @module
 */

import { accept, defineFilter, type Filter, serve } from "@kilter/milter";

const OUR_LISTS = "lists.example.com";

const stripXCollected: Filter = defineFilter(
  { name: "strip-x-collected", sees: ["headers"], edits: ["headers"] },
  async (session) => {
    const headers = await session.headers.collect();
    const listId = await session.headers.get("List-Id");
    if (listId?.value.includes(OUR_LISTS)) return accept();
    for (const header of headers) {
      if (/^x-/i.test(header.name)) session.headers.delete(header);
    }
    return accept();
  },
);

export default stripXCollected;

if (import.meta.main) {
  const server = await serve(stripXCollected, { listen: "inet:8891@127.0.0.1" });
  await server.finished;
}
