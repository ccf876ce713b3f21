/** Has an MTA offer less than it can. */

import type { Address } from "../../mod.ts";
import { Wiretap } from "./wiretap.ts";

/**
 * Takes the MTA's connections at one address and passes them on to another, without some of the protocol flags that the
 * MTA offers.
 */
export function understate(from: Address, to: Address, flags: number): Promise<AsyncDisposable> {
  return Wiretap.between(from, to, {
    offer: (offer) => ({ ...offer, protocol: (offer.protocol & ~flags) >>> 0 }),
  });
}
