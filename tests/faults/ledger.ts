/** Accounts for mails one by one: what their senders were told, and what became of them. */

import { setTimeout } from "node:timers/promises";
import { assertEquals } from "../harness.ts";
import { messageOf, open } from "../mta/mail.ts";
import type { Mta } from "../mta/mta.ts";
import { type Reply, SmtpClient } from "../mta/smtp_client.ts";
import { MARK } from "./stopping.ts";

/** What a client was told of a mail in the end: that it is taken, or that it is not; `lost` is nothing at all. */
type Told = "taken" | "tempfailed" | "refused" | "lost";

/** What became of mails, by how many. */
export interface Account extends Readonly<Record<Told, number>> {
  readonly sent: number;
  readonly delivered: number;
  readonly queued: number;
}

const half = (subject: string) => messageOf(subject).indexOf("\r\n\r\n") + 4;

/** One mail in five is not to be delivered now. */
const recipientOf = (subject: string) => subject.endsWith("0") || subject.endsWith("5") ? "later" : "one";

/** How a mail is sent, step by step; a step may wait for no reply. */
const STEPS: readonly ((client: SmtpClient, subject: string) => Promise<Reply> | undefined)[] = [
  (client) => client.command("MAIL FROM:<sender@example.test>"),
  (client, subject) => client.command(`RCPT TO:<${recipientOf(subject)}@example.test>`),
  (client) => client.command("DATA"),
  (client, subject) => void client.write(messageOf(subject).slice(0, half(subject))),
  (client, subject) => client.message(messageOf(subject).slice(half(subject))),
];

/** A mail that is being sent. */
class Letter {
  readonly subject: string;
  told: Told | undefined;
  readonly #client: SmtpClient;
  #step = 0;

  constructor(client: SmtpClient, subject: string) {
    this.#client = client;
    this.subject = subject;
  }

  /** Sends on, up to a step: all of it by default. */
  async send(until: number = STEPS.length): Promise<Told | undefined> {
    while (this.#step < until && this.told === undefined) {
      try {
        const reply = await STEPS[this.#step++]!(this.#client, this.subject);
        const code = reply?.code ?? 0;
        if (code >= 400) this.told = code < 500 ? "tempfailed" : "refused";
        else if (this.#step === STEPS.length) this.told = "taken";
      } catch {
        this.told = "lost"; // The MTA has closed the connection.
      }
    }
    return this.told;
  }
}

/** A client's session with an MTA, in which mails are sent one after the other. */
export class Correspondent {
  readonly #client: SmtpClient;
  readonly #ledger: Ledger;

  constructor(client: SmtpClient, ledger: Ledger) {
    this.#client = client;
    this.#ledger = ledger;
  }

  /** Begins a mail, up to a step. */
  async begin(until: number): Promise<Letter> {
    const letter = this.#ledger.enter(this.#client);
    await letter.send(until);
    return letter;
  }

  /** Sends a mail after whatever there was. */
  async send(): Promise<Told | undefined> {
    try {
      await this.#client.command("RSET");
    } catch {
      // The connection is gone, which the mail will show.
    }
    return await this.#ledger.enter(this.#client).send();
  }

  leave(): void {
    this.#client.vanish();
  }
}

/** All mails that were sent through an MTA. */
export class Ledger {
  readonly #mta: Mta;
  readonly #letters: Letter[] = [];

  constructor(mta: Mta) {
    this.#mta = mta;
  }

  /** The steps that a mail can be begun up to. */
  static readonly steps: readonly number[] = [...STEPS.keys()];

  /** A client that greets. */
  async visit(): Promise<Correspondent> {
    const client = SmtpClient.to(this.#mta.smtp);
    try {
      await open(client);
    } catch {
      // The MTA has closed the connection, which the first mail will show.
    }
    return new Correspondent(client, this);
  }

  enter(client: SmtpClient): Letter {
    const letter = new Letter(client, `mail ${this.#letters.length}`);
    this.#letters.push(letter);
    return letter;
  }

  /** Sends a mail in a session of its own. */
  async send(): Promise<Told | undefined> {
    const visitor = await this.visit();
    const told = await visitor.send();
    visitor.leave();
    return told;
  }

  /** How many were told so. */
  count(told: Told): number {
    return this.#letters.filter((letter) => letter.told === told).length;
  }

  /**
   * Waits until each mail that was taken is delivered or in the queue, once, and was judged, and none is there of which
   * the client was told that it is not taken; fails if that does not come to be, or does not stay so.
   */
  async settle(): Promise<Account> {
    for (let left = 100; left > 0 && this.#faults().length > 0; left--) await setTimeout(100);
    await setTimeout(200);
    assertEquals(this.#faults(), []);
    return {
      sent: this.#letters.length,
      taken: this.count("taken"),
      tempfailed: this.count("tempfailed"),
      refused: this.count("refused"),
      lost: this.count("lost"),
      delivered: this.#mta.delivered().length,
      queued: this.#mta.queued().length,
    };
  }

  /** What is wrong; a mail on its way from the queue may be there twice, or not at all, for a moment. */
  #faults(): string[] {
    const found = this.#found();
    return this.#letters.flatMap(({ subject, told }) => {
      const copies = found.filter((mail) => mail.subject === subject);
      const least = told === "taken" ? 1 : 0;
      const most = told === "taken" || told === "lost" ? 1 : 0;
      const isThere = copies.length >= least && copies.length <= most;
      return [
        ...isThere ? [] : [`${subject} was ${told}, and is there ${copies.length} times`],
        ...copies.every(({ judged }) => judged) ? [] : [`${subject} was not judged`],
      ];
    });
  }

  /** All mails that are somewhere. */
  #found(): { readonly subject: string | undefined; readonly judged: boolean }[] {
    const texts = [...this.#mta.delivered().map(({ data }) => data), ...this.#mta.queued()];
    return texts.map((text) => ({
      subject: /Subject: (mail \d+)/.exec(text)?.[1],
      judged: text.includes(`${MARK}: yes`),
    }));
  }
}
