/**
 * Somebody who listens to both sides of a connection and knows what a filter may say, from outside: the rules are
 * written here in letters once more, so that a mistake in the library's own tables is none of the judge's.
 */

import { concat } from "../bytes.ts";
import { assert } from "../harness.ts";

/** What may answer each command, in codes. */
const ANSWERS: Readonly<Record<string, string>> = {
  O: "O",
  C: "carty",
  H: "carty",
  M: "cartyd",
  R: "cartyd",
  T: "cartyd",
  L: "cartyd",
  N: "cartyd",
  B: "cartyds",
  E: "cartyd",
  U: "crty",
};

/** The flag of each command under which it has no answer. `SMFIP_NR_*` */
const SILENT: Readonly<Record<string, number>> = {
  L: 0x80,
  C: 0x1000,
  H: 0x2000,
  M: 0x4000,
  R: 0x8000,
  T: 0x10000,
  U: 0x20000,
  N: 0x40000,
  B: 0x80000,
};

/** What may come before the answer to the end of a message, and the action that each needs. `SMFIF_*` */
const EDITS: Readonly<Record<string, number>> = {
  h: 0x1,
  i: 0x1,
  b: 0x2,
  "+": 0x4,
  "-": 0x8,
  m: 0x10,
  q: 0x20,
  e: 0x40,
  "2": 0x80,
  p: 0,
};

const SKIP = 0x400;

/** An answer to a command: codes, `c` to `E`. */
export interface Answer {
  readonly command: string;
  readonly answer: string;
}

/** Hears what the MTA and the filter say, and fails at what the filter may not. */
export class Judge {
  readonly #commands: Packets = new Packets();
  readonly #replies: Packets = new Packets();
  /** The commands that have no answer yet, and may be owed one. */
  readonly #asked: Uint8Array[] = [];
  #agreed: DataView | undefined;
  /** What came last before the answer, and whether a piece of a new body has. */
  #before = "";
  #bodyReplaced = false;

  /** The codes of the commands that have no answer yet. */
  get owed(): string {
    return this.#asked.map(codeOf).filter((code) => !this.#isSilent(code)).join("");
  }

  /** How many bytes there are of a command that has not ended. */
  get midCommand(): number {
    return this.#commands.left;
  }

  /** The MTA said this. Nothing is owed to what breaks the rules: the filter closes. */
  hear(bytes: Uint8Array): void {
    for (const packet of this.#commands.cut(bytes)) {
      if (codeOf(packet) in ANSWERS) this.#asked.push(packet);
    }
  }

  #isSilent(code: string): boolean {
    return ((this.#agreed?.getUint32(9) ?? 0) & (SILENT[code] ?? 0)) !== 0;
  }

  /** The filter said this, whole packets all of it. Tells the answers that were among it. */
  judge(bytes: Uint8Array): Answer[] {
    const answers: Answer[] = [];
    for (const packet of this.#replies.cut(bytes)) {
      const code = codeOf(packet);
      const asked = this.#dueNext();
      const command = asked === undefined ? "nothing" : codeOf(asked);
      if (code in EDITS) {
        this.#checkEdit(code, command);
        continue;
      }
      assert(ANSWERS[command]?.includes(code), `${code} is no answer to ${command}`);
      assert(code !== "s" || this.#agreed!.getUint32(9) & SKIP, "SKIP was not negotiated");
      if (code === "O") this.#agree(asked!, packet);
      this.#asked.shift();
      this.#before = "";
      this.#bodyReplaced = false;
      answers.push({ command, answer: code });
    }
    assert(this.#replies.left === 0, `${this.#replies.left} bytes of a packet that does not end`);
    return answers;
  }

  /** The command that is to be answered next: what is agreed on not to be answered may have come before the agreement. */
  #dueNext(): Uint8Array | undefined {
    while (this.#asked.length > 0 && this.#isSilent(codeOf(this.#asked[0]!))) this.#asked.shift();
    return this.#asked[0];
  }

  #checkEdit(code: string, command: string): void {
    assert(command === "E", `the edit ${code} comes while ${command} is to be answered`);
    const action = EDITS[code]!;
    assert((this.#agreed!.getUint32(5) & action) === action, `the edit ${code} was not negotiated`);
    if (code === "b") {
      assert(!this.#bodyReplaced || this.#before === "b", `${this.#before} stands within the new body`);
      this.#bodyReplaced = true;
    }
    this.#before = code;
  }

  #agree(asked: Uint8Array, packet: Uint8Array): void {
    const [offer, answer] = [viewOf(asked), viewOf(packet)];
    assert(this.#agreed === undefined, "it negotiates again");
    assert(
      answer.getUint32(1) <= Math.min(6, offer.getUint32(1)),
      "it speaks a version that the MTA does not",
    );
    for (const mask of [5, 9]) {
      const more = answer.getUint32(mask) & ~offer.getUint32(mask);
      assert(more === 0, `it asks for 0x${more.toString(16)} more than was offered`);
    }
    this.#agreed = answer;
  }
}

/** Packets from bytes in pieces, in the plainest way there is. */
class Packets {
  #rest: Uint8Array = new Uint8Array(0);

  get left(): number {
    return this.#rest.length;
  }

  cut(bytes: Uint8Array): Uint8Array[] {
    this.#rest = concat([this.#rest, bytes]);
    const packets: Uint8Array[] = [];
    while (this.#rest.length >= 4) {
      const length = viewOf(this.#rest).getUint32(0);
      if (length === 0 || length > this.#rest.length - 4) break;
      packets.push(this.#rest.subarray(4, 4 + length));
      this.#rest = this.#rest.subarray(4 + length);
    }
    return packets;
  }
}

function codeOf(packet: Uint8Array): string {
  return String.fromCharCode(packet[0]!);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
