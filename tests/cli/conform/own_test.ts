/** `kilter conform` against our own server: filters of all kinds get full marks. */

import {
  accept,
  compose,
  defineFilter,
  discard,
  type Filter,
  quarantine,
  reject,
  serve,
  tempfail,
} from "../../../mod.ts";
import { CASES } from "../../../src/cli/conform/cases.ts";
import { formatAddress } from "../../../src/adapters/address.ts";
import { assert, assertEquals, delay, test } from "../../harness.ts";
import { kilter } from "../captured.ts";

/** Cases that take longer than a second, or try the server more than the filter. */
const LONG: readonly string[] = [
  ...["stalled-frame", "stalled-length", "byte-by-byte", "every-split", "full-chunks"],
  ...["many-headers", "many-recipients", "many-messages", "flags-offered", "actions-offered"],
];

const edits: Filter = async (session) => {
  for await (const header of session.headers) {
    if (header.name === "Subject") session.headers.update(header, "Größe");
    if (header.name === "Date") session.headers.delete(header);
  }
  session.headers.append("X-Last", "one\n two");
  session.headers.insert("X-First", "yes", "start");
  session.changeSender("changed@example.com");
  session.addRecipient("added@example.com");
  session.body.replace("A new body\nof two lines\n".repeat(10_000));
  return accept();
};

/** What is served, and whether all cases are played against it. */
const FILTERS: readonly (readonly [what: string, filter: Filter, all?: "all"])[] = [
  ["that accepts at the end", async (session) => (await session.endOfMessage(), accept()), "all"],
  ["that edits all there is", edits, "all"],
  ["that accepts at once", () => accept()],
  ["that refuses clients", () => reject("550 5.7.1 Not you")],
  ["that refuses senders", async (session) => (await session.envelopeFrom(), tempfail())],
  ["that discards", async (session) => (await session.data(), discard())],
  [
    "that refuses recipients one by one",
    async (session) => {
      for await (const recipient of session.envelopeRecipients()) {
        if (recipient.address.startsWith("nobody")) recipient.reject("550 5.1.1 100% nobody\nat all");
      }
      await session.endOfMessage();
      return quarantine("to be looked at");
    },
  ],
  [
    "that skips the rest of a body",
    async (session) => {
      for await (const _ of session.body) break;
      await session.endOfMessage();
      return accept();
    },
  ],
  [
    "that takes its time",
    async (session) => {
      await session.envelopeFrom();
      await delay(1);
      for await (const _ of session.body) await delay(1);
      await session.endOfMessage();
      return reject("550-5.7.1 One\n550 5.7.1 Two");
    },
  ],
  [
    "that throws",
    async (session) => {
      await session.envelopeFrom();
      throw new Error("as a bad filter does");
    },
  ],
  [
    "that declares what it sees",
    defineFilter({
      name: "tag",
      sees: ["mail", "headers"],
      answers: [],
      edits: ["headers"],
      macros: { mail: ["{auth_authen}"] },
    }, async (session) => {
      await session.envelopeFrom();
      session.headers.append("X-Tag", String(await session.headers.get("Subject")));
      return accept();
    }),
    "all",
  ],
  [
    "that is shown refused recipients and unknown commands",
    defineFilter({
      name: "watch",
      sees: ["connect", "rcpt", "unknown", "body"],
      answers: ["unknown"],
      rejectedRecipients: true,
      maxChunk: 1048575,
    }, async (session) => {
      for await (const _ of session.envelopeRecipients());
      for await (const _ of session.body);
      return accept();
    }),
    "all",
  ],
  ["that is composed", compose(edits, async (session) => (await session.endOfMessage(), accept()))],
];

for (const [what, filter, all] of FILTERS) {
  test(`A filter ${what} gets full marks by kilter conform`, async () => {
    await using server = await serve(filter, { listen: "inet:0@127.0.0.1", log: () => {} });
    const names = CASES.map(({ name }) => name).filter((name) => all === "all" || !LONG.includes(name));
    const { code, out } = await kilter(
      ...["conform", formatAddress(server.address), "--json", "--only", names.join(",")],
    );
    const { cases, passed } = JSON.parse(out);
    assertEquals(cases.filter(({ outcome }: { outcome: string }) => outcome === "fault"), []);
    assertEquals(code, 0);
    assert(passed > 20, `${passed} passed`);
  });
}
