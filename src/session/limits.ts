import { MilterError } from "../errors.ts";

/**
 * The most that a server takes; `Infinity` for no limit.
 *
 * Over a limit of a message, or of what a server does at once, the message gets the answer of `onError`, whose error
 * has the code `LIMIT`: a tempfail by default, so that the client comes again. Who breaks a limit that no answer
 * belongs to is disconnected. Either is a warning, and told to the observer.
 *
 * | limit | default | over it |
 * | --- | --- | --- |
 * | `packetBytes` | 1 MiB | the connection is closed |
 * | `macroBytes` | 64 KiB | the connection is closed |
 * | `recipients` | 10,000 | the message is answered |
 * | `envelopeBytes` | 4 MiB | the message is answered |
 * | `headers` | 5,000 | the message is answered |
 * | `headerBytes` | 4 MiB | the message is answered |
 * | `collectBytes` | 32 MiB | `collect()` fails, and the message is answered if the filter does |
 * | `connections` | 4,096 | what comes by the connection is answered; beyond twice as many, it is closed |
 * | `connectionsPerPeer` | none | as above |
 * | `messages` | none | the message is answered, at MAIL |
 * | `bytes` | 1 GiB | the message is answered, at MAIL; `collect()` fails |
 */
export interface Limits {
  /** Bytes of one packet; Postfix sends headers of some 100 KB in one, and pieces of a body of 64 KB. */
  readonly packetBytes?: number;
  /** Bytes of the macros that come with one command. */
  readonly macroBytes?: number;
  /** Recipients of a message. */
  readonly recipients?: number;
  /** Bytes of the sender and the recipients of a message, with their arguments and macros, and of unknown commands. */
  readonly envelopeBytes?: number;
  /** Headers of a message. */
  readonly headers?: number;
  /** Bytes of the headers of a message. */
  readonly headerBytes?: number;
  /** Bytes of a body that `collect()` takes if its caller sets no limit, or that a stream gives as a new body. */
  readonly collectBytes?: number;
  /** Connections that are open at once. */
  readonly connections?: number;
  /** Connections that are open at once from one address; those by a Unix socket are all from one. */
  readonly connectionsPerPeer?: number;
  /** Messages that are judged at once: from MAIL to the verdict. */
  readonly messages?: number;
  /** Bytes that are held at once: what waits to be read, envelopes, headers, and bodies that are collected. */
  readonly bytes?: number;
}

/** The name of a limit. */
export type LimitName = keyof Limits;

/** A limit: what it is by default, and what it counts. */
interface Limit {
  readonly standard: number;
  readonly what: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;

const LIMITS: Readonly<Record<LimitName, Limit>> = {
  packetBytes: { standard: MIB, what: "bytes of one packet" },
  macroBytes: { standard: 64 * KIB, what: "bytes of macros for one command" },
  recipients: { standard: 10_000, what: "recipients" },
  envelopeBytes: { standard: 4 * MIB, what: "bytes of envelope" },
  headers: { standard: 5_000, what: "headers" },
  headerBytes: { standard: 4 * MIB, what: "bytes of headers" },
  collectBytes: { standard: 32 * MIB, what: "bytes of a body in memory" },
  connections: { standard: 4096, what: "connections at once" },
  connectionsPerPeer: { standard: Infinity, what: "connections at once from one address" },
  messages: { standard: Infinity, what: "messages at once" },
  bytes: { standard: 1024 * MIB, what: "bytes held at once" },
};

const NAMES = Object.keys(LIMITS) as readonly LimitName[];

/**
 * All limits, those that are not given by their defaults.
 *
 * @throws {TypeError} if a name is none.
 * @throws {RangeError} if a number is below 1.
 */
export function limitsOf(limits: Limits = {}): Required<Limits> {
  for (const name of Object.keys(limits) as LimitName[]) {
    if (!Object.hasOwn(LIMITS, name)) {
      throw new TypeError(`Cannot serve: limits names "${name}", which is none of ${NAMES.join(", ")}`);
    }
  }
  return Object.fromEntries(NAMES.map((name) => {
    const limit = limits[name] ?? LIMITS[name].standard;
    if (!(limit >= 1)) {
      throw new RangeError(`Cannot serve: the limit ${name} must be at least 1, not ${limit}`);
    }
    return [name, limit];
  })) as Record<LimitName, number>;
}

/** The error of who is over a limit. */
export function limitError(name: LimitName, allowed: number): MilterError {
  return new MilterError("LIMIT", `Cannot take more: the limit is ${allowed} ${LIMITS[name].what}`, {
    side: "peer",
  });
}
