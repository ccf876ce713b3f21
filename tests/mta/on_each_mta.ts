/** Tests that run in front of each real MTA, each test with an MTA of its own. */

import type { Address, LogEntry, ServeOptions } from "../../mod.ts";
import { assertEquals, test } from "../harness.ts";
import { type Mta, type MtaName, startMta, type Transport, whyNot } from "./mta.ts";

/** For each MTA, why its tests are skipped. */
const IGNORE: Readonly<Record<MtaName, string | false>> = {
  postfix: ignoring("postfix"),
  sendmail: ignoring("sendmail"),
};

function ignoring(name: MtaName): string | false {
  const reason = whyNot(name);
  return reason !== undefined && `tests with a real ${name}: ${reason}; see tests/mta/install.sh`;
}

/** The optional part of {@linkcode testOnEachMta}. */
export interface MtaTestOptions {
  /** How each MTA reaches its filters. */
  readonly transport?: Readonly<Partial<Record<MtaName, Transport>>>;
  /** How many filters it calls: the options that the body gets are for the first. Default: 1. */
  readonly filters?: number;
  /** What Postfix is set up with beside the usual: parameters of its main.cf. */
  readonly mainCf?: Readonly<Record<string, string>>;
  /** Whether the filter is to fail: then each side may find fault with the other, and the MTA tempfails the mail. */
  readonly faults?: boolean;
  /** How long the test may take, in milliseconds. */
  readonly timeout?: number;
}

/** How a filter is served to an MTA: at an address that both know. */
export interface ServeMtaOptions extends ServeOptions {
  readonly listen: string | Address;
}

/**
 * Declares a test for Postfix and one for Sendmail; both are skipped, and say so, where the MTA is missing.
 * Its filter is served with the options that the body gets. Unless it is to fail, neither side may find fault with the
 * other.
 */
export function testOnEachMta(
  name: string,
  body: (mta: Mta, options: ServeMtaOptions) => Promise<void>,
  { transport, faults = false, timeout = 30_000, ...options }: MtaTestOptions = {},
): void {
  for (const mtaName of ["postfix", "sendmail"] as const) {
    test(`${mtaName}: ${name}`, { ignore: IGNORE[mtaName], timeout }, async () => {
      await using mta = await startMta(mtaName, {
        ...options,
        tempfails: faults,
        transport: transport?.[mtaName],
      });
      const logged: LogEntry[] = [];
      const log = (entry: LogEntry) => void logged.push(entry);
      await body(mta, { listen: mta.milter, log });
      if (faults) return;
      assertEquals(logged.filter(({ level }) => level !== "debug"), [], "what the server logged");
      assertEquals(mta.complaints(), [], "what the MTA logged about the filter");
    });
  }
}
