import type { Address } from "../../adapters/address.ts";
import { MilterError } from "../../errors.ts";
import { COMMANDS, type CommandType, type Offer } from "../../protocol/commands.ts";
import { PROTOCOL, VERSION } from "../../protocol/flags.ts";
import { Fault, NotApplicable } from "./case.ts";
import { Patience } from "./patience.ts";
import { greeting } from "./samples.ts";
import { spelled, Talk } from "./talk.ts";
import { Wire } from "./wire.ts";

/** What Postfix and Sendmail offer. */
export const USUAL_OFFER: Offer = {
  type: "negotiate",
  version: VERSION,
  actions: 0x1ff,
  protocol: 0x1fffff,
  extra: new Uint8Array(0),
};

/** The flags by which commands are not answered. */
export const NO_REPLY: readonly number[] = Object.keys(COMMANDS).flatMap((type) =>
  COMMANDS[type as CommandType].silent ?? []
);

/** The usual offer without them: every command is answered then. */
export const ALL_ANSWERED: Partial<Offer> = {
  protocol: NO_REPLY.reduce((left, flag) => left & ~flag, USUAL_OFFER.protocol),
};

/** The usual offer without SKIP as well, so that all of a body is sent. */
export const NO_SKIP: Partial<Offer> = { protocol: USUAL_OFFER.protocol & ~PROTOCOL.SKIP };

/** Where a case is played: connections to the milter, and how long it may take for them. */
export class Stand {
  readonly #address: Address;
  readonly #patience: Patience;
  readonly #wires: Wire[] = [];

  constructor(address: Address, milliseconds: number) {
    this.#address = address;
    this.#patience = new Patience(milliseconds);
  }

  /** A connection on which nothing was said yet. */
  async connect(): Promise<Wire> {
    try {
      const wire = await Wire.open(this.#address, this.#patience);
      this.#wires.push(wire);
      return wire;
    } catch (error) {
      if (!(error instanceof MilterError)) throw error;
      throw new Fault("takes no more connections", { cause: error });
    }
  }

  /** A conversation after its negotiation, by the usual offer with some changes; `undefined` if the milter closes. */
  async offer(change: Partial<Offer> = {}): Promise<Talk | undefined> {
    const talk = new Talk(await this.connect(), { ...USUAL_OFFER, ...change });
    return await talk.negotiate() ? talk : undefined;
  }

  /** A conversation after its negotiation, which the milter must take part in. */
  async open(change: Partial<Offer> = {}): Promise<Talk> {
    const talk = await this.offer(change);
    if (talk === undefined) throw new Fault("closes instead of answering the offer");
    return talk;
  }

  /**
   * A conversation in which a client has greeted.
   *
   * @throws {NotApplicable} if the milter has judged the client already.
   */
  async greeted(change: Partial<Offer> = {}): Promise<Talk> {
    const talk = await this.open(change);
    await talk.play(greeting());
    const { at, by } = talk.ending ?? {};
    if (at !== undefined) throw new NotApplicable(`it answers ${at} by ${spelled(by!)}`);
    return talk;
  }

  /** Makes sure that the next connection is served. */
  async serves(): Promise<void> {
    try {
      const talk = await this.open();
      await talk.finish();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new Fault(`does not serve the next connection: ${error.message}`, { cause: error });
    }
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await Promise.all(this.#wires.map((wire) => wire.close()));
  }
}
