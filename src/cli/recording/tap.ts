import { MilterError } from "../../errors.ts";
import { Framer } from "../../protocol/mod.ts";
import { type Deed, NO_BYTES } from "./entry.ts";

/** The most bytes of a packet, as with `MtaEnd` and `FilterEnd`: a longer one is passed on, but not understood. */
export const MAX_PACKET: number = 1024 * 1024;

/** Hears what one side sends, whatever it is: from the first bytes on that are no packet, nothing is one. */
export class Tap {
  readonly #framer: Framer = new Framer(MAX_PACKET);
  #lost = false;

  /** What is complete with these bytes; what no packet can be found in is given back as it is. */
  hear(chunk: Uint8Array): Deed[] {
    if (this.#lost) return [{ what: "raw", bytes: chunk }];
    const deeds: Deed[] = [];
    this.#framer.push(chunk);
    try {
      for (let packet = this.#framer.next(); packet !== undefined; packet = this.#framer.next()) {
        deeds.push({ what: "packet", bytes: packet });
      }
    } catch (error) {
      if (!(error instanceof MilterError)) throw error;
      this.#lost = true;
      deeds.push({ what: "raw", bytes: this.#framer.rest(), why: error.message });
    }
    return deeds;
  }

  /** What is left when the side says no more: the start of a packet, if it broke off within one. */
  end(): Deed[] {
    if (this.#lost || !this.#framer.midPacket) return [];
    this.#lost = true;
    return [{ what: "raw", bytes: this.#framer.rest(), why: "the packet is cut short" }];
  }
}

/** The deed of a side that closed. */
export const END: Deed = { what: "end", bytes: NO_BYTES };
