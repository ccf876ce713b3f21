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

/** A place that stays what it is while the list changes. */
export type FixedPlace = Exclude<HeaderPlace, number>;

/** A header in the list as wished. */
export interface Slot {
  readonly header: Header;
  /** Whether the filter does not want it any more; the MTA has it all the same. */
  readonly gone: boolean;
  /** Its new value as it goes out, if it is a header of the message that gets one. */
  readonly value: string | undefined;
}

/** A link of the list: a header, or one of the marks between its zones. */
interface Link {
  readonly header: Header | undefined;
  gone: boolean;
  value: string | undefined;
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

  /**
   * The place as it is to be kept: an index becomes the header that it is beside now.
   *
   * @throws {TypeError} if it is none, or beside a header that is gone or none of the message.
   * @throws {RangeError} if it is an index that the list does not have.
   */
  resolve(name: string, place: HeaderPlace): FixedPlace {
    if (place === "start" || place === "belowReceived" || place === "end") return place;
    if (typeof place === "number") return this.#placeAt(name, place);
    if (typeof place === "object" && place !== null && ("before" in place || "after" in place)) {
      this.check("before" in place ? place.before : place.after);
      return place;
    }
    throw new TypeError(
      `Cannot insert header ${name}: its place must be "start", "belowReceived", "end", { before }, { after } ` +
        `or an index`,
    );
  }

  /** Puts a new header in its place. */
  add(header: NewHeader, place: FixedPlace): void {
    this.#links.set(header, insertBefore(this.#linkBelow(place), header));
  }

  /** Whether a header is there: of the message, and not taken out. */
  has(header: Header): boolean {
    return !this.#link(header).gone;
  }

  /** Gives a header of the message a new value, as it goes out. */
  update(header: Header, value: string): void {
    this.#link(header).value = value;
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
  #linkBelow(place: FixedPlace): Link {
    if (place === "start") return this.#top.below;
    if (place === "belowReceived") return this.#own.below;
    if (place === "end") return this.#top;
    return "before" in place ? this.#link(place.before) : this.#link(place.after).below;
  }

  #placeAt(name: string, index: number): FixedPlace {
    this.#takeReceived();
    let last: Header | undefined;
    let passed = 0;
    for (let link = this.#own.below; link !== this.#bottom; link = link.below) {
      if (link.gone || link.header === undefined) continue;
      if (passed === index) return { before: link.header };
      last = link.header;
      passed++;
    }
    if (passed === index) return last === undefined ? "belowReceived" : { after: last };
    const range = `0 to ${passed}, as many headers as there are now`;
    throw new RangeError(`Cannot insert header ${name}: its index must be ${range}, not ${index}`);
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
  const link = { header: undefined, gone: false, value: undefined } as Link;
  return Object.assign(link, { above: link, below: link });
}

function insertBefore(below: Link, header: Header | undefined): Link {
  const link: Link = { header, gone: false, value: undefined, above: below.above, below };
  below.above.below = link;
  below.above = link;
  return link;
}

function slotsBetween(first: Link, last: Link): Slot[] {
  const slots: Slot[] = [];
  for (let link = first.below; link !== last; link = link.below) {
    const { header, gone, value } = link;
    if (header !== undefined) slots.push({ header, gone, value });
  }
  return slots;
}
