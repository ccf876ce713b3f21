/** A user's program for the type checker: it passes if the types are there, and are no `any`. */

import { accept, defineFilter, type Filter, reject, serve, type Server } from "@kilter/milter";
import { deliver } from "@kilter/milter/testing";

const filter: Filter = defineFilter(
  { name: "typed", sees: ["mail", "headers"], edits: ["headers"] },
  async (session) => {
    const { address } = await session.envelopeFrom();
    const subject: string | undefined = (await session.headers.get("Subject"))?.value;
    // @ts-expect-error: the body was not declared.
    session.body;
    // @ts-expect-error: an address is text.
    const wrong: number = address;
    return subject === undefined || wrong > 0 ? accept() : reject("550 5.7.1 No");
  },
);

/** A filter that reads everything. */
export const whole: Filter = async (session) => {
  const reader = session.message().getReader();
  const { value } = await reader.read();
  const length: number = value?.length ?? 0;
  // @ts-expect-error: a length is no verdict.
  const verdict: Awaited<ReturnType<Filter>> = length;
  return verdict;
};

const server: Server = await serve(filter, { listen: "inet:0@127.0.0.1" });
await server.shutdown();
const outcome: "accepted" | "rejected" | "tempfailed" | "discarded" | "quarantined" | "aborted" =
  (await deliver(filter, "Subject: Hi\n\n")).outcome;
export { outcome };
