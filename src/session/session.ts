import type { Macros } from "../protocol/macros.ts";
import type { Connection } from "./connection.ts";
import type { HeaderPlace } from "./edits/header_order.ts";
import type { Plan } from "./edits/plan.ts";
import type { Recipient, Sender } from "./envelope.ts";
import type { Header } from "./header.ts";
import type { Mta } from "./mta.ts";
import type { Tls } from "./tls.ts";

/** The greeting of the client: HELO or EHLO. */
export interface Greeting {
  /** The client's name for itself: its own claim. */
  readonly hostname: string;
  /** The name's bytes. */
  readonly raw: Uint8Array;
}

/** An SMTP command as it was, for a filter that knows more of it than the MTA. */
export interface Extension {
  /** Its first word in capitals. */
  readonly name: string;
  /** The words after it: for MAIL and RCPT the address as written, then the ESMTP arguments. */
  readonly arguments: readonly string[];
  /** All that the MTA tells of it: Postfix shows only the first word of a command that it does not know. */
  readonly raw: Uint8Array;
}

/**
 * One message on its way through the MTA, as its filter sees it.
 *
 * **Asking for what comes next answers what came before with "go on".** What nobody asks for passes by
 * itself. What has passed is remembered where it is small (greeting, envelope, headers) and can be asked for
 * late; body chunks are not. Asking for what can no longer come fails at once with `PASSED`.
 *
 * When the client resets, disconnects or starts anew, the pending wait fails with `ABORTED` and
 * {@linkcode Session.signal} aborts. After the verdict all of it fails with `SETTLED`.
 */
export interface Session {
  /**
   * The SMTP client: one object for all messages of a connection, and so the key to what a filter wants to remember
   * of it. What is to live as long as the process stands beside the filter.
   *
   * @example
   * ```ts
   * import { accept, type Connection, defineFilter, tempfail } from "@kilter/milter";
   *
   * let messages = 0;
   * const perConnection = new WeakMap<Connection, number>();
   *
   * export default defineFilter({ sees: ["connect", "mail"], edits: [] }, (session) => {
   *   const count = (perConnection.get(session.connection) ?? 0) + 1;
   *   perConnection.set(session.connection, count);
   *   messages++;
   *   return count > 100 ? tempfail("450 4.7.1 Too many messages at once") : accept();
   * });
   * ```
   */
  readonly connection: Connection;
  /** What the MTA tells beside the conversation: `session.macros.get("i")` is the queue id. */
  readonly macros: Macros;
  /** The MTA's name for the message, known from MAIL on with Sendmail, and from DATA on with Postfix. Macro `i` */
  readonly queueId: string | undefined;
  /** The name by which the client has logged in; `undefined` if it has not. Macro `{auth_authen}` */
  readonly authenticatedUser: string | undefined;
  /** The TLS between the client and the MTA; `undefined` if there is none. */
  readonly tls: Tls | undefined;
  /** The MTA, as far as it tells. */
  readonly mta: Mta;
  /** Aborts when the message ends before its verdict; for `fetch` and the like. */
  readonly signal: AbortSignal;
  /** The headers of the message, and their edits. */
  readonly headers: Headers;
  /** The body of the message, and its edit. */
  readonly body: Body;

  /** The client's greeting; `undefined` if it sent MAIL without one. */
  helo(): Promise<Greeting | undefined>;
  /** The sender of the envelope. */
  envelopeFrom(): Promise<Sender>;
  /**
   * The recipients of the envelope, as the client names them; ends when it sends DATA. Each can be refused by
   * itself. Some may have been refused by the MTA or another filter without this one being told.
   */
  envelopeRecipients(): AsyncIterable<Recipient>;
  /** Waits for DATA: all recipients are known. */
  data(): Promise<void>;
  /**
   * The next command of this name that the MTA does not know, or `MAIL` or `RCPT` as written.
   *
   * Fails with `PASSED` once the headers have begun, after which none can come.
   */
  extension(name: string): Promise<Extension>;
  /** Waits for the end of the message: all of it has been seen, and only the verdict is awaited. */
  endOfMessage(): Promise<void>;
  /**
   * The whole message as it would be written to a file, for parsers, scanners and signers: headers byte for
   * byte as the MTA had them, an empty line, the body. To be asked for before the body has passed.
   */
  message(): ReadableStream<Uint8Array>;

  /** Changes the sender of the envelope; the last change holds. `""` is the null sender. */
  changeSender(address: string, options?: EnvelopeEditOptions): void;
  /** Adds a recipient to the envelope. It bypasses the checks of the MTA. */
  addRecipient(address: string, options?: EnvelopeEditOptions): void;
  /** Removes a recipient from the envelope, spelled as the MTA has it. */
  removeRecipient(address: string): void;
  /** Has the message held for a person to look at, if it is accepted. */
  quarantine(reason: string): void;
  /**
   * What the MTA will be told of the edits if the message is accepted now, and what of them it cannot do: such
   * warnings go to the log when the verdict is given. A body that is a stream has no steps: it is read later.
   *
   * @example
   * ```ts
   * import { accept, defineFilter } from "@kilter/milter";
   *
   * export default defineFilter({ edits: ["headers"] }, async (session) => {
   *   for (const header of await session.headers.getAll("X-Spam")) session.headers.delete(header);
   *   session.headers.insert("X-Spam", "no", "belowReceived");
   *   await session.endOfMessage();
   *   console.log(session.plan().explain());
   *   // 1. delete header X-Spam, the 1st of that name: "no, really"
   *   // 2. insert header X-Spam: "no" at index 1, below the MTA's own Received
   *   return accept();
   * });
   * ```
   */
  plan(): Plan;
  /**
   * Tells the MTA that the filter is still at work: at the end of the message, where alone MTAs take it. They are told
   * so by themselves as often as they need it ({@linkcode Timeouts.progress}); Postfix then waits on, and who says so
   * has the time of {@linkcode Timeouts.endOfMessage} anew. Sendmail never waits for more than 300 s.
   *
   * @returns whether it was sent.
   */
  progress(): boolean;
  /**
   * How long this filter may go on before the policy answers for it, in whole milliseconds; at most a second less than
   * it really has. While the MTA does not wait for it, what it will have for an event; 0 when the message is over.
   *
   * @example A look-up that gives up in time
   * ```ts
   * import { accept, defineFilter, tempfail } from "@kilter/milter";
   *
   * export default defineFilter({ sees: ["connect"], edits: [] }, async (session) => {
   *   const inTime = AbortSignal.timeout(Math.min(session.remaining(), 5000));
   *   const signal = AbortSignal.any([session.signal, inTime]);
   *   const url = `https://reputation.example/${session.connection.address}`;
   *   const response = await fetch(url, { signal }).catch(() => undefined);
   *   return response?.ok ? accept() : tempfail();
   * });
   * ```
   */
  remaining(): number;
}

/** The optional part of an edit of the envelope. */
export interface EnvelopeEditOptions {
  /** ESMTP arguments: `["RET=HDRS", "ENVID=QQ314159"]`; none by default. */
  readonly arguments?: readonly string[];
}

/**
 * The headers of a message: read as they arrive, and edited at any time before the verdict.
 *
 * Edits are by the identity of a header. They return at once and go to the MTA together with the verdict.
 * All throw a `TypeError` for a name or a value that no header can have, and a {@linkcode MilterError}
 * `NOT_AGREED` if the MTA does not let this filter edit headers.
 */
export interface Headers extends AsyncIterable<Header> {
  /** All headers, once they have come. */
  collect(): Promise<readonly Header[]>;
  /** The first header of this name, as soon as it comes; `undefined` if there is none. */
  get(name: string): Promise<Header | undefined>;
  /** All headers of this name, once all have come. */
  getAll(name: string): Promise<readonly Header[]>;
  /** The headers of these names, as they come. */
  named(...names: readonly string[]): AsyncIterable<Header>;

  /** Adds a header below all others. */
  append(name: string, value: string): Header;
  /**
   * Adds a header at a place. Of several at one place the last is nearest to it; at the end it is the last.
   *
   * @throws {RangeError} if the place is an index that the list of headers does not have.
   */
  insert(name: string, value: string, place: HeaderPlace): Header;
  /** Changes the value of a header. */
  update(header: Header, value: string): void;
  /** Deletes a header. */
  delete(header: Header): void;
}

/**
 * The body of a message, in chunks as the MTA cuts them: anywhere. Line ends are CRLF.
 *
 * It is read once. Leaving the loop early tells the MTA to skip the rest, where it can.
 */
export interface Body extends AsyncIterable<Uint8Array> {
  /** The body as a stream; cancelling it skips the rest. */
  stream(): ReadableStream<Uint8Array>;
  /**
   * The whole body in memory.
   *
   * Fails with `LIMIT` if it is longer than `limit` bytes, by default {@linkcode Limits.collectBytes}, or if the server
   * holds too much already.
   */
  collect(options?: { readonly limit?: number }): Promise<Uint8Array>;
  /**
   * Replaces the body by bytes, or by text, whose line ends become CRLF. The last one holds.
   *
   * A stream is read when the filter has returned its verdict, to its end, and held in memory until then: one that
   * fails, or gives more than {@linkcode Limits.collectBytes}, is a failure of the filter. It may be made of this very
   * body.
   *
   * @example
   * ```ts
   * import { accept, defineFilter } from "@kilter/milter";
   *
   * export default defineFilter({ edits: ["body"] }, (session) => {
   *   const upper = new TransformStream<Uint8Array, Uint8Array>({
   *     transform(chunk, to) {
   *       to.enqueue(chunk.map((byte) => byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));
   *     },
   *   });
   *   session.body.replace(session.body.stream().pipeThrough(upper));
   *   return accept();
   * });
   * ```
   */
  replace(content: Uint8Array | string | AsyncIterable<Uint8Array>): void;
}
