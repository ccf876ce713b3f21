import type { Header, NewHeader } from "../header.ts";

/**
 * Where a new header goes: above all headers, that of the MTA's own Received included; just below this one;
 * below all; beside a header of the message or one that was added before; or below so many of the headers under
 * the MTA's own Received, as the list stands with the edits so far.
 */
export type HeaderPlace =
  | "start"
  | "belowReceived"
  | "end"
  | { readonly before: Header }
  | { readonly after: Header }
  | number;

/** A header in the list as wished. */
export interface Slot {
  readonly header: Header;
  /** Whether the filter does not want it any more; the MTA has it all the same. */
  readonly gone: boolean;
}

/** A link of the list: a header, or one of the marks between its zones. */
interface Link {
  readonly header: Header | undefined;
  gone: boolean;
  above: Link;
  below: Link;
}

/** The list of headers as wished: those of the message, which may still arrive, and new ones among them. */
export class HeaderOrder {
  readonly #received: readonly Header[];
  readonly #links: Map<Header, Link> = new Map();
  /** How many of those received have their place. */
  #placed = 0;
  /** Above all. It is also the end: the list is a ring. */
  readonly #top: Link;
  /** The MTA's own Received, which no filter sees. */
  readonly #own: Link;
  /** Below what the message has and will have; what comes after it is for the end. */
  readonly #bottom: Link;

  /** The list of a message with these headers, which may become more. */
  constructor(received: readonly Header[]) {
    this.#received = received;
    this.#top = mark();
    this.#own = insertBefore(this.#top, undefined);
    this.#bottom = insertBefore(this.#top, undefined);
  }

  /** Puts a new header in its place. */
  add(header: NewHeader, place: HeaderPlace): void {
    this.#links.set(header, insertBefore(this.#linkBelow(header, place), header));
  }

  /** Takes a header out, which keeps its place for those that stand beside it. */
  remove(header: Header): void {
    this.#link(header).gone = true;
  }

  /** @throws {TypeError} if the header is none of the message, or is gone. */
  check(header: Header): void {
    if (this.#link(header).gone) throw new TypeError(`Cannot edit header ${header.name}: it was deleted`);
  }

  /** The list: what stands above the MTA's own Received, what is below it, and what is below all the rest. */
  lay(): { readonly top: Slot[]; readonly list: Slot[]; readonly end: Slot[] } {
    this.#takeReceived();
    return {
      top: slotsBetween(this.#top, this.#own),
      list: slotsBetween(this.#own, this.#bottom),
      end: slotsBetween(this.#bottom, this.#top),
    };
  }

  /** The link that a new header goes above. */
  #linkBelow(header: Header, place: HeaderPlace): Link {
    if (place === "start") return this.#top.below;
    if (place === "belowReceived") return this.#own.below;
    if (place === "end") return this.#top;
    if (typeof place === "number") return this.#linkAt(header, place);
    if (typeof place === "object" && place !== null) {
      if ("before" in place) return this.#anchor(place.before);
      if ("after" in place) return this.#anchor(place.after).below;
    }
    throw new TypeError(
      `Cannot insert header ${header.name}: its place must be "start", "belowReceived", "end", { before }, { after } ` +
        `or an index`,
    );
  }

  #anchor(header: Header): Link {
    this.check(header);
    return this.#link(header);
  }

  #linkAt(header: Header, index: number): Link {
    this.#takeReceived();
    let link = this.#own.below;
    let passed = 0;
    for (; link !== this.#bottom; link = link.below) {
      if (link.gone) continue;
      if (passed === index) return link;
      passed++;
    }
    if (passed === index) return link;
    const range = `0 to ${passed}, as many headers as there are now`;
    throw new RangeError(`Cannot insert header ${header.name}: its index must be ${range}, not ${index}`);
  }

  #link(header: Header): Link {
    let link = this.#links.get(header);
    if (link === undefined) {
      this.#takeReceived();
      link = this.#links.get(header);
    }
    if (link === undefined) {
      throw new TypeError(`Cannot edit header ${header?.name}: it is none of this message's`);
    }
    return link;
  }

  /** Those that have arrived since the last time go below those that had. */
  #takeReceived(): void {
    for (; this.#placed < this.#received.length; this.#placed++) {
      const header = this.#received[this.#placed]!;
      this.#links.set(header, insertBefore(this.#bottom, header));
    }
  }
}

function mark(): Link {
  const link = { header: undefined, gone: false } as Link;
  return Object.assign(link, { above: link, below: link });
}

function insertBefore(below: Link, header: Header | undefined): Link {
  const link: Link = { header, gone: false, above: below.above, below };
  below.above.below = link;
  below.above = link;
  return link;
}

function slotsBetween(first: Link, last: Link): Slot[] {
  const slots: Slot[] = [];
  for (let link = first.below; link !== last; link = link.below) {
    if (link.header !== undefined) slots.push({ header: link.header, gone: link.gone });
  }
  return slots;
}
