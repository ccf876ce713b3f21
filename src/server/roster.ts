/** Who can stand in a {@linkcode Roster}. */
export interface Listed {
  /** Where in it; the roster's own. */
  place: number;
}

/**
 * Those who are there, of many who come and go.
 *
 * Not a `Set` or a `Map`, because V8's grow by ever new tables, each of which the one before it holds. Once such
 * a table is old, those in the tables after it outlive every collection of young objects, long after they have left:
 * with a connection for each message this was half of its processor time.
 */
export class Roster<Member extends Listed> {
  readonly #members: Member[] = [];

  /** How many there are. */
  get size(): number {
    return this.#members.length;
  }

  /** All of them, in no order, as of now. */
  members(): readonly Member[] {
    return [...this.#members];
  }

  /** Takes in one who is not there. */
  add(member: Member): void {
    member.place = this.#members.push(member) - 1;
  }

  /** Lets go of one who is there. */
  remove(member: Member): void {
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[member.place] = last;
    last.place = member.place;
  }
}
