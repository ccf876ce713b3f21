import { MilterError } from "../errors.ts";
import { ACTION } from "../protocol/flags.ts";
import type { Macros } from "../protocol/macros.ts";
import { decodeText, encodeText } from "../wire/text.ts";
import { RunBody } from "./body.ts";
import type { Connection } from "./connection.ts";
import type { Plan } from "./edits/plan.ts";
import type { Recipient, Sender } from "./envelope.ts";
import { RunHeaders } from "./headers.ts";
import { messageChunks } from "./message.ts";
import { type Mta, mtaOf } from "./mta.ts";
import type { Run } from "./run.ts";
import type { EnvelopeEditOptions, Extension, Greeting, Session } from "./session.ts";
import { streamOf } from "./stream.ts";
import { checkReason } from "./verdict.ts";
import { PENDING } from "./waiting.ts";

/** What a filter holds in its hands: a run of it, seen from outside. */
export class LiveSession implements Session {
  readonly headers: RunHeaders;
  readonly body: RunBody;
  readonly #run: Run;
  /** How many commands of each name have been asked for. */
  readonly #extensions: Map<string, number> = new Map();

  constructor(run: Run) {
    this.#run = run;
    this.headers = new RunHeaders(run);
    this.body = new RunBody(run);
  }

  get connection(): Connection {
    return this.#run.connection;
  }

  get macros(): Macros {
    return this.#run.memory.macros;
  }

  get mta(): Mta {
    return mtaOf(this.macros);
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  helo(): Promise<Greeting | undefined> {
    const run = this.#run;
    return run.ask(() => run.greeting ?? (run.memory.reached("mail") ? undefined : PENDING));
  }

  envelopeFrom(): Promise<Sender> {
    const { memory } = this.#run;
    return this.#run.ask(() => {
      this.#run.checkSeen("mail");
      return memory.sender ?? PENDING;
    });
  }

  envelopeRecipients(): AsyncIterable<Recipient> {
    const run = this.#run;
    const { recipients } = run.memory;
    return {
      [Symbol.asyncIterator]: (): AsyncIterator<Recipient> => {
        let at = 0;
        const probe = (): IteratorResult<Recipient> | typeof PENDING => {
          run.checkSeen("rcpt");
          if (at < recipients.length) return { done: false, value: recipients[at++]! };
          return run.memory.reached("data") ? { done: true, value: undefined } : PENDING;
        };
        return { next: () => run.ask(probe), return: () => run.leave() };
      },
    };
  }

  data(): Promise<void> {
    return this.#reach("data");
  }

  endOfMessage(): Promise<void> {
    return this.#reach("endOfMessage");
  }

  #reach(stage: "data" | "endOfMessage"): Promise<void> {
    return this.#run.ask(() => this.#run.memory.reached(stage) ? undefined : PENDING);
  }

  extension(name: string): Promise<Extension> {
    const wanted = name.toUpperCase();
    const nth = this.#extensions.get(wanted) ?? 0;
    this.#extensions.set(wanted, nth + 1);
    return this.#run.ask(() => {
      const found = this.#extensionsCalled(wanted)[nth];
      if (found !== undefined) return found;
      if (!this.#run.memory.reached("header")) return PENDING;
      throw new MilterError("PASSED", `Cannot await ${wanted}: the headers have begun`);
    });
  }

  #extensionsCalled(name: string): Extension[] {
    const { mail, recipients, extensions } = this.#run.memory;
    if (name === "MAIL") {
      return mail === undefined ? [] : [pathCommand(name, mail.address, mail.arguments.map(decodeText))];
    }
    if (name === "RCPT") {
      return recipients.map((recipient) => pathCommand(name, recipient.raw, recipient.arguments));
    }
    return extensions.map(unknownCommand).filter((extension) => extension.name === name);
  }

  message(): ReadableStream<Uint8Array> {
    return streamOf(messageChunks(this.headers, this.body, this.#run.protocol));
  }

  changeSender(address: string, options: EnvelopeEditOptions = {}): void {
    this.#run.checkEdit("change the sender", ACTION.CHANGE_SENDER);
    this.#run.edits.setSender(address, options.arguments);
  }

  addRecipient(address: string, options: EnvelopeEditOptions = {}): void {
    const action = options.arguments?.length ? ACTION.ADD_RECIPIENT_ARGUMENTS : ACTION.ADD_RECIPIENT;
    this.#run.checkEdit("add a recipient", action);
    this.#run.edits.addRecipient(address, options.arguments);
  }

  removeRecipient(address: string): void {
    this.#run.checkEdit("remove a recipient", ACTION.REMOVE_RECIPIENT);
    this.#run.edits.removeRecipient(address);
  }

  quarantine(reason: string): void {
    this.#run.checkEdit("quarantine", ACTION.QUARANTINE);
    this.#run.edits.quarantine = checkReason(reason);
  }

  plan(): Plan {
    return this.#run.plan();
  }

  progress(): boolean {
    return this.#run.progress();
  }
}

/** MAIL or RCPT as the client wrote it, as far as the MTA tells. */
function pathCommand(name: string, raw: Uint8Array, rest: readonly string[]): Extension {
  const words = [decodeText(raw), ...rest];
  return { name, arguments: words, raw: encodeText(`${name} ${words.join(" ")}`) };
}

function unknownCommand(raw: Uint8Array): Extension {
  const [name = "", ...words] = decodeText(raw).trim().split(/\s+/);
  return { name: name.toUpperCase(), arguments: words, raw };
}
