/**
 * The filter ends in front of a real MTA: each mail that the MTA has taken is delivered or in its queue, once, and was
 * judged; each that it has not taken is not.
 */

import { assert, assertEquals, assertGreater, delay } from "../harness.ts";
import { type MtaTestOptions, type ServeMtaOptions, testOnEachMta } from "../mta/on_each_mta.ts";
import { STAGES } from "../session/stages.ts";
import { ClosingFilter, type EndingFilter, KilledFilter, type Moment } from "./ending_filters.ts";
import { Ledger } from "./ledger.ts";

/** Many processes start and end in these. */
const FAULTS: MtaTestOptions = { faults: true, timeout: 300_000 };

/** How a filter ends, and what the client is told whose mail gets its verdict at that moment. */
const WAYS: readonly {
  readonly way: string;
  readonly filterAt: (options: ServeMtaOptions) => Promise<EndingFilter>;
  readonly told: string;
}[] = [
  { way: "is killed", filterAt: KilledFilter.at, told: "tempfailed" },
  { way: "closes its connections", filterAt: ClosingFilter.at, told: "taken" },
];

for (const { way, filterAt, told } of WAYS) {
  const name = `a filter that ${way} at any stage loses no mail, and lets none through`;
  testOnEachMta(name, async (mta, options) => {
    await using filter = await filterAt(options);
    await filter.start();
    const ledger = new Ledger(mta);

    /** Sends a mail that `end` ends the filter at, while others are under way in sessions of their own. */
    const endAt = async (moment: Moment, end: (sent: Promise<unknown>) => Promise<void>) => {
      const visitors = await Promise.all(Ledger.steps.map(() => ledger.visit()));
      const letters = await Promise.all(visitors.map((visitor, step) => visitor.begin(step)));
      filter.stopAt(moment);
      const sent = ledger.send();
      await end(sent);
      for (const letter of letters) assertEquals(await letter.send(), "tempfailed", moment);
      assertEquals(await ledger.send(), "tempfailed", moment);
      await filter.start();
      // Postfix sticks to what a filter did once, for as long as the session lasts.
      for (const visitor of visitors) {
        assert(["taken", "tempfailed"].includes(await visitor.send() ?? ""), moment);
        visitor.leave();
      }
      assertEquals(await ledger.send(), "taken", moment);
      return await sent;
    };

    for (const stage of STAGES) {
      const outcome = await endAt(stage, async () => {
        await filter.stopped(stage);
        await filter.end();
      });
      assertEquals(outcome, "tempfailed", stage);
    }
    assertEquals(await endAt("verdict", () => filter.ended()), told);
    const afterwards = await endAt("end", async (sent) => {
      await sent;
      await filter.end();
    });
    assertEquals(afterwards, "taken");

    const { refused, lost } = await ledger.settle();
    assertEquals([refused, lost], [0, 0]);
  }, FAULTS);
}

/** How many clients send mails one after the other, and how often the filter is killed, each time after so many mails. */
const STORM = { clients: 8, kills: 4, mails: 20 } as const;

testOnEachMta(
  "a filter that is killed again and again under load loses no mail, and lets none through",
  async (mta, options) => {
    await using filter = await KilledFilter.at(options);
    await filter.start();
    const ledger = new Ledger(mta);
    let over = false;
    const clients = Array.from({ length: STORM.clients }, async () => {
      while (!over) {
        const visitor = await ledger.visit();
        while (!over && await visitor.send() === "taken");
        visitor.leave();
        await delay(50);
      }
    });
    for (let kills = 1; kills <= STORM.kills; kills++) {
      while (ledger.count("taken") < kills * STORM.mails) await delay(1);
      await filter.end();
      await filter.start();
    }
    over = true;
    await Promise.all(clients);
    const account = await ledger.settle();
    assertEquals(account.refused, 0);
    assertGreater(account.tempfailed, STORM.kills);
  },
  FAULTS,
);
