/** A user's program for a browser, where there are no modules of Node: two ends of the protocol come to terms. */

import { FilterEnd, MtaEnd } from "@kilter/milter/protocol";

const mta = new MtaEnd();
const filter = new FilterEnd();
mta.negotiate();
filter.receive(mta.take()!);
filter.next();
mta.receive(filter.take()!);
mta.next();

/** The version that they agreed on. */
export const version: number | undefined = mta.agreement?.version;
