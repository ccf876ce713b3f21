/**
 * One side's process stops (SIGSTOP) while mails are under way at each stage: the other waits no longer than it should,
 * goes on with others, and no mail is lost or let through.
 */

import { parseAddress, serve } from "../../mod.ts";
import { assert, assertEquals } from "../harness.ts";
import { testOnEachMta } from "../mta/on_each_mta.ts";
import { CONVERSATION } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { signalAll } from "../processes.ts";
import { socketWire } from "../wires.ts";
import { KilledFilter } from "./ending_filters.ts";
import { Ledger } from "./ledger.ts";
import { stopping } from "./stopping.ts";

/** Mails that are under way, each one step further than the one before. */
async function underWay(ledger: Ledger) {
  const visitors = await Promise.all(Ledger.steps.map(() => ledger.visit()));
  const letters = await Promise.all(visitors.map((visitor, step) => visitor.begin(step)));
  return {
    /** What their clients are told in the end. */
    sendOn: () => Promise.all(letters.map((letter) => letter.send())),
    leave: () => visitors.forEach((visitor) => visitor.leave()),
  };
}

testOnEachMta(
  "a filter whose process stops loses no mail, and serves on when it is continued",
  async (mta, options) => {
    await using filter = await KilledFilter.at(options);
    await filter.start();
    const ledger = new Ledger(mta);
    const mails = await underWay(ledger);
    filter.signal("SIGSTOP");
    const [newcomer, ...told] = await Promise.all([ledger.send(), mails.sendOn().then((all) => all.join())]);
    assertEquals([newcomer, ...told], ["tempfailed", Ledger.steps.map(() => "tempfailed").join()]);
    filter.signal("SIGCONT");
    assertEquals(await ledger.send(), "taken");
    mails.leave();
    const { refused, lost } = await ledger.settle();
    assertEquals([refused, lost], [0, 0]);
  },
  {
    faults: true,
    timeout: 120_000,
    // Sendmail's are in its recipe.
    mainCf: { milter_connect_timeout: "2s", milter_command_timeout: "2s", milter_content_timeout: "2s" },
  },
);

testOnEachMta(
  "a server serves others while the MTA's processes stop, and takes their mails when they go on",
  async (mta, options) => {
    await using server = await serve(stopping(() => "", () => {}), options);
    const ledger = new Ledger(mta);
    const mails = await underWay(ledger);
    const stopped = mta.servers();
    assert(stopped.length >= Ledger.steps.length && server.connections >= Ledger.steps.length);
    signalAll(stopped, "SIGSTOP");
    const sent = mails.sendOn();
    await using bystander = new MtaPlayer(await socketWire(parseAddress(options.listen)));
    await bystander.negotiate();
    assertEquals((await bystander.play(CONVERSATION)).at(-1), "endOfMessage: accept");
    signalAll(stopped, "SIGCONT");
    assertEquals(await sent, Ledger.steps.map(() => "taken"));
    mails.leave();
    const { sent: all, taken } = await ledger.settle();
    assertEquals(taken, all);
  },
  { faults: true },
);
