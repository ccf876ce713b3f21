import { MilterError } from "../errors.ts";
import { ACTION } from "../protocol/flags.ts";
import type { Macros } from "../protocol/macros.ts";
import type { Slice } from "../wire/slice.ts";
import { decodeText, encodeText } from "../wire/text.ts";
import { RunBody } from "./body.ts";
import type { Connection } from "./connection.ts";
import type { Plan } from "./edits/plan.ts";
import type { EnvelopeAddress, Recipient, Sender } from "./envelope.ts";
import { RunHeaders } from "./headers.ts";
import { Iteration, Loop } from "./iteration.ts";
import { messageChunks } from "./message.ts";
import { type Mta, mtaOf } from "./mta.ts";
import type { Part } from "./part.ts";
import type { EnvelopeEditOptions, Extension, Greeting, Session } from "./session.ts";
import { streamOf } from "./stream.ts";
import { type Tls, tlsOf } from "./tls.ts";
import { userOf } from "./user.ts";
import { checkReason } from "./verdict.ts";
import { PENDING } from "./waiting.ts";

/** What a filter holds in its hands: its part in a run, seen from outside. */
export class LiveSession implements Session {
  readonly headers: RunHeaders;
  readonly body: RunBody;
  readonly #part: Part;
  /** How many commands of each name have been asked for. */
  #extensions: Map<string, number> | undefined;

  constructor(part: Part) {
    this.#part = part;
    this.headers = new RunHeaders(part);
    this.body = new RunBody(part);
  }

  get connection(): Connection {
    return this.#part.run.connection;
  }

  get macros(): Macros {
    return this.#part.memory.macros;
  }

  get queueId(): string | undefined {
    return this.macros.get("i") || undefined;
  }

  get authenticatedUser(): string | undefined {
    return userOf(this.macros);
  }

  get tls(): Tls | undefined {
    return tlsOf(this.macros);
  }

  get mta(): Mta {
    return mtaOf(this.macros);
  }

  get signal(): AbortSignal {
    return this.#part.signal;
  }

  helo(): Promise<Greeting | undefined> {
    const part = this.#part;
    return part.ask(() => part.run.greeting ?? (part.memory.reached("mail") ? undefined : PENDING));
  }

  envelopeFrom(): Promise<Sender> {
    const { memory } = this.#part;
    return this.#part.ask(() => {
      this.#part.checkSeen("mail");
      return memory.sender ?? PENDING;
    });
  }

  envelopeRecipients(): AsyncIterable<Recipient> {
    const part = this.#part;
    const { recipients } = part.memory;
    return new Loop(() => {
      let at = 0;
      return new Iteration<Recipient>(part, () => {
        part.checkSeen("rcpt");
        while (recipients[at]?.refused && !part.seesRefused) at++;
        const recipient = recipients[at];
        if (recipient !== undefined) {
          at++;
          return { done: false, value: part.watches ? recipient.watched() : recipient };
        }
        return part.memory.reached("data") ? { done: true, value: undefined } : PENDING;
      });
    });
  }

  data(): Promise<void> {
    return this.#reach("data");
  }

  endOfMessage(): Promise<void> {
    return this.#reach("endOfMessage");
  }

  #reach(stage: "data" | "endOfMessage"): Promise<void> {
    return this.#part.ask(() => this.#part.memory.reached(stage) ? undefined : PENDING);
  }

  extension(name: string): Promise<Extension> {
    const wanted = name.toUpperCase();
    const asked = this.#extensions ??= new Map();
    const nth = asked.get(wanted) ?? 0;
    asked.set(wanted, nth + 1);
    return this.#part.ask(() => {
      const found = this.#extensionsCalled(wanted)[nth];
      if (found !== undefined) return found;
      if (!this.#part.memory.reached("header")) return PENDING;
      throw new MilterError("PASSED", `Cannot await ${wanted}: the headers have begun`);
    });
  }

  #extensionsCalled(name: string): Extension[] {
    const { sender, recipients, extensions } = this.#part.memory;
    if (name === "MAIL") return sender === undefined ? [] : [pathCommand(name, sender)];
    if (name === "RCPT") return recipients.map((recipient) => pathCommand(name, recipient));
    return extensions.map(unknownCommand).filter((extension) => extension.name === name);
  }

  message(): ReadableStream<Uint8Array> {
    return streamOf(messageChunks(this.headers, this.body, this.#part.run.agreement?.protocol ?? 0));
  }

  changeSender(address: string, options: EnvelopeEditOptions = {}): void {
    this.#part.checkEdit("change the sender", ACTION.CHANGE_SENDER);
    this.#part.edits.setSender(address, options.arguments);
  }

  addRecipient(address: string, options: EnvelopeEditOptions = {}): void {
    const action = options.arguments?.length ? ACTION.ADD_RECIPIENT_ARGUMENTS : ACTION.ADD_RECIPIENT;
    this.#part.checkEdit("add a recipient", action);
    this.#part.edits.addRecipient(address, options.arguments);
  }

  removeRecipient(address: string): void {
    this.#part.checkEdit("remove a recipient", ACTION.REMOVE_RECIPIENT);
    this.#part.edits.removeRecipient(address);
  }

  quarantine(reason: string): void {
    this.#part.checkEdit("quarantine", ACTION.QUARANTINE);
    this.#part.edits.quarantine = checkReason(reason);
  }

  plan(): Plan {
    return this.#part.plan();
  }

  progress(): boolean {
    return this.#part.progress();
  }

  remaining(): number {
    return this.#part.remaining();
  }
}

/** MAIL or RCPT as the client wrote it, as far as the MTA tells. */
function pathCommand(name: string, { raw, arguments: rest }: EnvelopeAddress): Extension {
  const words = [decodeText(raw), ...rest];
  return { name, arguments: words, raw: encodeText(`${name} ${words.join(" ")}`) };
}

function unknownCommand({ bytes, text }: Slice): Extension {
  const [name = "", ...words] = text.trim().split(/\s+/);
  return { name: name.toUpperCase(), arguments: words, raw: bytes };
}
