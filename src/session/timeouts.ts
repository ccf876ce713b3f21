/**
 * How long things may take, in milliseconds; `Infinity` for no deadline.
 *
 * Deadlines are looked at once a second, or four times in the shortest of them. A filter has its time at most: the
 * answer of `onError` goes out up to one look earlier, never later, so that the MTA hears it before it gives up.
 *
 * | deadline | default | who overruns it |
 * | --- | --- | --- |
 * | `event` | 28 s with Postfix, 9 s with others | the message is answered |
 * | `endOfMessage` | 290 s | the message is answered |
 * | `message` | none | the message is answered |
 * | `progress` | 145 s with Postfix, 4.5 s with others | |
 * | `packet` | 60 s | the connection is closed |
 * | `idle` | 7,210 s, as in libmilter | the connection is closed |
 * | `halfOpen` | 5 s | the connection is closed |
 */
export interface Timeouts {
  /**
   * How long a filter may hold an event before the end of the message: less than the 30 and 10 seconds after which
   * Postfix and Sendmail give the filter up.
   */
  readonly event?: number;
  /** How long a filter may take at the end of the message; both MTAs give up after 300 s. */
  readonly endOfMessage?: number;
  /** How long a filter may hold the events of one message in all. */
  readonly message?: number;
  /**
   * How often the MTA is told to wait on, while a filter takes its time at the end of the message, where alone it may
   * be told. Sendmail gives up after 10 s without a word, but never waits for more than 300 s; Postfix waits another
   * 300 s after each word.
   */
  readonly progress?: number;
  /** How long a packet may take from its first byte to its last, and the MTA to say anything. */
  readonly packet?: number;
  /** How long an MTA may be silent while nothing is awaited from the filter. */
  readonly idle?: number;
  /** How long a filter may go on after the MTA has closed its side of the connection. */
  readonly halfOpen?: number;
}

/** The names of deadlines. */
const NAMES: Readonly<Record<keyof Timeouts, true>> = {
  event: true,
  endOfMessage: true,
  message: true,
  progress: true,
  packet: true,
  idle: true,
  halfOpen: true,
};

/**
 * Deadlines that may come from JavaScript.
 *
 * @throws {TypeError} if a name is none.
 * @throws {RangeError} if a time is not above 0.
 */
export function checkTimeouts(timeouts: Timeouts = {}): void {
  for (const [name, time] of Object.entries(timeouts)) {
    if (!Object.hasOwn(NAMES, name)) {
      const known = Object.keys(NAMES).join(", ");
      throw new TypeError(`Cannot serve: timeouts names "${name}", which is none of ${known}`);
    }
    if (time !== undefined && !(time > 0)) {
      throw new RangeError(`Cannot serve: the timeout ${name} must be above 0, not ${time}`);
    }
  }
}
