/** Two filters in a row on both MTAs. */

import { accept, serve } from "../../../mod.ts";
import { deliver, open } from "../mail.ts";
import { testOnEachMta } from "../on_each_mta.ts";
import { SmtpClient } from "../smtp_client.ts";
import { assertDelivered, messageOf, nextMail, OWN, SENT } from "./delivered.ts";
import { CASES, LINES, type TwoFilters } from "./two_filters.ts";

testOnEachMta(`two filters in a row, ${CASES.length} cases`, async (mta, options) => {
  let current: TwoFilters | undefined;
  const serveOne = (which: "first" | "second", at: number) =>
    serve(async (session) => {
      await session.envelopeFrom();
      await current![which](session);
      return accept();
    }, { ...options, listen: mta.milters[at]! });
  await using _first = await serveOne("first", 0);
  await using _second = await serveOne("second", 1);

  const client = SmtpClient.to(mta.smtp);
  await open(client);
  for (const [at, one] of CASES.entries()) {
    current = one;
    await deliver(client, { ...SENT, message: messageOf(SENT) });
    const gives = "postfix" in one.gives ? one.gives[mta.name] : one.gives;
    assertDelivered(await nextMail(mta, at), { ...SENT, headers: [OWN, ...LINES], ...gives }, one.name);
  }
  await client.quit();
}, { filters: 2 });
