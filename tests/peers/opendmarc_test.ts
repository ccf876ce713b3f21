/** OpenDMARC judges mail that our client shows it, behind a filter of ours. */

import { accept, defineFilter, serve } from "../../mod.ts";
import { send } from "../../src/client/mod.ts";
import { assertEquals, assertMatch, test } from "../harness.ts";
import { type MilterRecipe, startMilter, whyNot } from "./debian_milter.ts";

const PROGRAM = "/usr/sbin/opendmarc";

/** Whose results it believes is a setting; it asks DNS of the domain, and takes no answer for none. */
const OPENDMARC: MilterRecipe = {
  program: PROGRAM,
  files: {
    conf: "AuthservID mx.example\nTrustedAuthservIDs mx.example\nIgnoreHosts /dev/null\nSyslog false\n",
  },
  arguments: (port, directory) => ["-f", "-c", `${directory}/conf`, "-p", `inet:${port}@127.0.0.1`],
};

test("OpenDMARC sees what a filter before it has made of the mail", {
  ignore: whyNot(PROGRAM),
  timeout: 60_000,
}, async () => {
  await using milter = await startMilter(OPENDMARC);
  const author = defineFilter({ name: "author", edits: ["headers"] }, async (session) => {
    const from = await session.headers.get("From");
    session.headers.update(from!, "Zoot <zoot@other.invalid>");
    return accept();
  });
  await using server = await serve(author, { listen: "inet:0@127.0.0.1" });
  const { outcome, message, milters } = await send(
    [server.address, milter.address],
    "From: a@b.invalid\n\nHi\n",
    {
      ...{ from: "zoot@example.invalid", to: "user@mx.example" },
      client: { name: "client.example", address: "192.0.2.1" },
    },
  );
  assertEquals([outcome, milters.map(({ failure }) => failure)], ["accepted", [undefined, undefined]]);
  assertMatch(
    message?.get("Authentication-Results") ?? "",
    /^mx\.example; dmarc=.* header\.from=other\.invalid$/,
  );
});
