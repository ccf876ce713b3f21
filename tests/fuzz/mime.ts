/** What must hold of the parsers of mail beyond the protocol, whatever the mail. */

import {
  decodeWords,
  encodeWords,
  formatAddresses,
  formatParameters,
  parseAddresses,
  parseMessage,
  parseParameters,
  type ValueWithParameters,
} from "../../src/mime/mod.ts";
import { decodeText } from "../../src/protocol/mod.ts";
import { composeValue } from "../../src/session/header_value.ts";
import { MilterError } from "../../mod.ts";
import { assert, assertEquals, type Random } from "../harness.ts";
import { refusing } from "./texts.ts";

/** Values of headers: encoded words, address lists, parameters. */
export function checkMime(bytes: Uint8Array): number {
  const text = decodeText(bytes);
  const words = decodeWords(text);
  const addresses = parseAddresses(text);
  const parameters = parseParameters(text);
  for (const found of [words, parameters.value, ...parameters.parameters.values()]) checkPrintable(found);
  for (const address of addresses) checkPrintable(JSON.stringify(address));

  const encoded = text.includes("=?") ? undefined : refusing(() => encodeWords(text));
  if (encoded !== undefined) assertEquals(decodeWords(encoded), text);
  if (addresses.length > 0) {
    const written = refusing(() => composeValue("To", formatAddresses(addresses)));
    // What is written of it is read as the same number of addresses: none can be smuggled in.
    if (written !== undefined) assertEquals(parseAddresses(written).length, addresses.length, written);
  }
  const formatted = refusing(() => formatParameters(parameters.value, parameters.parameters));
  if (formatted !== undefined) {
    const again = parseParameters(formatted);
    assertEquals([again.value, namesOf(again)], [parameters.value, namesOf(parameters)]);
  }
  return 1;
}

function namesOf({ parameters }: ValueWithParameters): string[] {
  return [...parameters.keys()].sort();
}

/** A whole message, in pieces or not. Only its size can be a reason not to read it. */
export async function checkMessage(bytes: Uint8Array, random: Random): Promise<number> {
  const limits = random.chance(0.2) ? { limit: 500, headerLimit: 100, partLimit: 3 } : {};
  const pieces = random.split(bytes, random.between(1, 4));
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else if (piece.length > 0) controller.enqueue(piece);
      else return this.pull!(controller);
    },
  });
  const read = async (message: Uint8Array | ReadableStream<Uint8Array>) => {
    try {
      return await parseMessage(message, limits);
    } catch (error) {
      assert(error instanceof MilterError && error.code === "LIMIT", `${error}`);
      return undefined;
    }
  };
  const [whole, split] = [await read(bytes), await read(stream)];
  if (whole === undefined || split === undefined) return 1;
  assertEquals(split, whole);
  for (const { filename = "" } of whole.attachments) checkPrintable(filename);
  return 1;
}

function checkPrintable(text: string): void {
  assert(!/(?!\t)\p{Cc}/u.test(text), `control characters in ${JSON.stringify(text)}`);
}
