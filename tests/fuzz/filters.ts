/** Filters of any manners, and what each has said of a message. */

import { setImmediate } from "node:timers";
import {
  accept,
  compose,
  type Declaration,
  defineFilter,
  discard,
  type EditKind,
  type Filter,
  quarantine,
  reject,
  type Session,
  shadow,
  type Sight,
  tempfail,
  type Verdict,
} from "../../mod.ts";
import type { Random } from "../harness.ts";

/** What a filter has said of a message: a verdict's type, or `"failed"`; nothing while it is at work. */
export type Outcome = string | undefined;

/** A filter, or several side by side. */
export interface AnyFilter {
  readonly filter: Filter;
  /** What those that have a say have said of the latest message. */
  outcomes(): readonly Outcome[];
}

const SIGHTS: readonly Sight[] = ["connect", "helo", "mail", "rcpt", "data", "headers", "body", "unknown"];
const EDITS: readonly EditKind[] = ["headers", "body", "sender", "recipients", "quarantine"];

/** What a filter waits for. Who does not look at what comes of it is not to be told of a failure either. */
const WAITS: readonly ((session: Session) => Promise<unknown>)[] = [
  (session) => session.helo(),
  (session) => session.envelopeFrom(),
  (session) => session.data(),
  (session) => session.endOfMessage(),
  (session) => session.extension("VRFY"),
  (session) => session.headers.collect(),
  (session) => session.headers.get("Subject"),
  (session) => session.body.collect({ limit: 50 }),
];

/** Things that a filter does, each of which may fail. */
const DEEDS: readonly ((session: Session, random: Random) => unknown)[] = [
  ...WAITS,
  (session, random) => void random.pick(WAITS)(session),
  (session, random) => void random.pick(WAITS)(session),
  (session) => session.message().getReader().read(),
  async (session, random) => {
    for await (const recipient of session.envelopeRecipients()) {
      if (random.chance(0.3)) random.pick([() => recipient.reject(), () => recipient.tempfail()])();
      if (random.chance(0.1)) break;
    }
  },
  async (session, random) => {
    for await (const header of session.headers) {
      const { headers } = session;
      random.pick([() => headers.delete(header), () => headers.update(header, "new"), () => {}])();
      if (random.chance(0.2)) break;
    }
  },
  async (session, random) => {
    for await (const _ of session.body) if (random.chance(0.5)) break;
  },
  (session, random) =>
    session.headers.insert("X-New", "v", random.pick(["start", "end", "belowReceived", 1])),
  (session, random) => session.body.replace(random.pick(["new\n", "", "x".repeat(70_000)])),
  (session) => session.body.replace(session.body.stream()),
  (session) => session.changeSender("new@example.com"),
  (session) => session.addRecipient("more@example.com"),
  (session) => session.removeRecipient("user@example.com"),
  (session) => session.quarantine("perhaps"),
  (session) => session.plan().explain(),
  (session) => session.progress(),
  (session) => session.remaining(),
  (session) => session.signal.aborted,
  () => Promise.resolve(),
  () => new Promise((resolve) => setImmediate(resolve)),
];

const VERDICTS: readonly (() => unknown)[] = [
  accept,
  accept,
  reject,
  () => tempfail("451 4.7.1 Later"),
  discard,
  () => quarantine("odd"),
  () => "no verdict",
  () => new Promise(() => {}),
  () => {
    throw new Error("on purpose");
  },
];

/** A filter that does some things, handles what fails or does not, and says something; `begin` is called by each run. */
function anyMember(random: Random, begin: () => (outcome: string) => void): Filter {
  const run = async (session: Session): Promise<Verdict> => {
    const note = begin();
    try {
      for (let count = random.below(6); count > 0; count--) {
        const deed = async () => await random.pick(DEEDS)(session, random);
        if (random.chance(0.1)) deed().catch(() => {});
        else if (random.chance(0.7)) await deed().catch(() => {});
        else await deed();
      }
      const verdict = await random.pick(VERDICTS)() as Verdict;
      note(verdict?.type ?? "failed");
      return verdict;
    } catch (error) {
      note("failed");
      throw error;
    }
  };
  if (random.chance(0.4)) return (session) => run(session);
  const some = <T>(all: readonly T[], chance: number) => all.filter(() => random.chance(chance));
  const sees = some(SIGHTS, 0.8);
  const declaration: Declaration = {
    sees,
    ...random.chance() && { answers: some(sees, 0.7) },
    ...random.chance() && { edits: some(EDITS, 0.7) },
  };
  return defineFilter(declaration, run as Filter);
}

/** One filter, or several side by side, of which one may be only watched. */
export function anyFilter(random: Random): AnyFilter {
  const latest: Outcome[] = [];
  const filters = random.list(random.pick([1, 1, 1, 2, 3]), () => {
    const at = latest.push(undefined) - 1;
    let runs = 0;
    return anyMember(random, () => {
      const run = ++runs;
      latest[at] = undefined;
      return (outcome) => {
        if (run === runs) latest[at] = outcome;
      };
    });
  });
  const watched = shadow(anyMember(random, () => () => {}), { onVerdict: () => {} });
  const all = random.chance(0.2) ? [...filters, watched] : filters;
  return { filter: all.length === 1 ? all[0]! : compose(...all), outcomes: () => latest };
}
