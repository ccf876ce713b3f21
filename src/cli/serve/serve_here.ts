import type { Address, InheritedSocket } from "../../adapters/address.ts";
import type { Observer } from "../../session/observer.ts";
import type { ErrorPolicy } from "../../session/policy.ts";
import * as happenings from "./happenings.ts";
import { messageEnded } from "./message_line.ts";
import type { Tell } from "./reporter.ts";
import { Serving } from "./serving.ts";

/** What is served in this process. */
export interface ServeHereOptions {
  /** The modules whose filters have a say, in their order. */
  readonly modules: readonly string[];
  /** The modules whose filters are only watched. */
  readonly shadows: readonly string[];
  readonly listen: readonly (Address | InheritedSocket)[];
  readonly onError: ErrorPolicy;
  /** Whether each message is told of. */
  readonly told: boolean;
  /** Takes what happens. */
  readonly tell: Tell;
  /** Whoever else is told. */
  readonly observers?: readonly Observer[];
}

/** Serves modules in this process, and tells what happens: see {@linkcode Serving.start}. */
export function serveHere(
  { modules, shadows, listen, onError, told, tell, observers = [] }: ServeHereOptions,
  onFiles: (files: readonly string[]) => Promise<void>,
): Promise<Serving> {
  return Serving.start({
    filters: modules,
    shadows,
    told,
    onShadow: (report) => tell(happenings.shadowVerdict(report)),
  }, {
    listen,
    onError,
    observer: [{ messageEnded: (message) => tell(messageEnded(message)) }, ...observers],
    log: (entry) => tell(happenings.logged(entry)),
  }, onFiles);
}
