import type { CommandType } from "../../protocol/commands.ts";
import { Fault, NotApplicable } from "./case.ts";
import type { Said } from "./samples.ts";
import { ALL_ANSWERED, type Stand } from "./stand.ts";
import { REFUSALS, spelled } from "./talk.ts";

/** Bytes that no MTA sends. */
export interface BadInput {
  /** What they are: `a length of 0`. */
  readonly what: string;
  readonly bytes: Uint8Array;
  /** What is said before; by default not even an offer. */
  readonly after?: readonly Said[];
  /** The command that they are instead of: without it, the milter can't be asked. */
  readonly as?: CommandType;
}

/**
 * Sends bad input, each on a connection of its own. The milter must close, or refuse; it must not hang, and must
 * serve the next connection.
 *
 * @param also An answer that is no fault either, where reading over what is wrong does no harm.
 */
export async function mustRefuse(
  stand: Stand,
  inputs: readonly BadInput[],
  also?: "continue",
): Promise<void> {
  let asked = 0;
  for (const { what, bytes, after, as } of inputs) {
    if (after === undefined) {
      const wire = await stand.connect();
      wire.write(bytes);
      const said = await wire.read(`hangs at ${what}: neither answers nor closes`);
      if (said !== undefined) throw new Fault(`answers ${what}`);
    } else {
      const talk = await stand.open(ALL_ANSWERED);
      await talk.play(after);
      if (talk.ending !== undefined || (as !== undefined && !talk.sends(as))) continue;
      talk.wire.write(bytes);
      const reply = await talk.next(`hangs at ${what}: neither answers nor closes`);
      if (reply !== undefined && !REFUSALS.includes(reply.type) && reply.type !== also) {
        throw new Fault(`answers ${what} by ${spelled(reply.type)}`);
      }
    }
    asked++;
  }
  if (asked === 0) throw new NotApplicable("it does without such commands, or answers an earlier one");
  await stand.serves();
}

/** A packet with its length in front; characters up to `\xff` stand for themselves. */
export function packet(text: string): Uint8Array {
  const bytes = latin1(`\0\0\0\0${text}`);
  new DataView(bytes.buffer).setUint32(0, text.length);
  return bytes;
}

/** The bytes of a text; characters up to `\xff` stand for themselves. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
