import { encodeCommand } from "../../protocol/codec.ts";
import type { CommandType } from "../../protocol/commands.ts";
import type { ReplyType } from "../../protocol/replies.ts";
import { concat } from "../../wire/concat.ts";
import { Fault, NotApplicable } from "./case.ts";
import type { Said } from "./samples.ts";
import { ALL_ANSWERED, type Stand, USUAL_OFFER } from "./stand.ts";
import { REFUSALS, spelled, Talk } from "./talk.ts";

/** Bytes that no MTA sends. */
export interface BadInput {
  /** What they are: `a length of 0`. */
  readonly what: string;
  readonly bytes: Uint8Array;
  /** What is said before; by default not even an offer. */
  readonly after?: readonly Said[];
  /** The command that they are instead of: without it, the milter can't be asked. */
  readonly as?: CommandType;
  /** What is said next, in the same segment. */
  readonly then?: Said;
}

/** Sends bad input on a connection of its own, and returns what answers it: nothing if the milter closes. */
async function answerTo(stand: Stand, { what, bytes, after, as, then }: BadInput): Promise<Answer> {
  const talk = after === undefined
    ? new Talk(await stand.connect(), USUAL_OFFER)
    : await stand.open(ALL_ANSWERED);
  await talk.play(after ?? []);
  if (talk.ending !== undefined || (as !== undefined && !talk.sends(as))) return "not asked";
  talk.wire.write(then === undefined ? bytes : concat([bytes, encodeCommand(then)]));
  const reply = await talk.next(`hangs at ${what}: neither answers nor closes`);
  return reply === undefined ? "closes" : reply.type;
}

type Answer = ReplyType | "closes" | "not asked";

async function play(
  stand: Stand,
  inputs: readonly BadInput[],
  isFine: (answer: Answer) => boolean,
): Promise<void> {
  let asked = 0;
  for (const input of inputs) {
    const answer = await answerTo(stand, input);
    if (answer !== "not asked") asked++;
    else continue;
    if (!isFine(answer)) throw new Fault(`answers ${input.what} by ${spelled(answer)}`);
  }
  if (asked === 0) throw new NotApplicable("it does without such commands, or answers an earlier one");
  await stand.serves();
}

/** The milter must close, or refuse, whenever it gets one of these. It must not hang, and must serve the next connection. */
export function mustRefuse(stand: Stand, inputs: readonly BadInput[]): Promise<void> {
  return play(stand, inputs, (answer) => answer === "closes" || REFUSALS.includes(answer));
}

/**
 * The milter may also answer, or pass over what is wrong and answer what comes next, as libmilter does with commands
 * that are not in order. It must not hang, and must serve the next connection.
 */
export function mustNotHang(stand: Stand, inputs: readonly BadInput[]): Promise<void> {
  return play(stand, inputs, () => true);
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
