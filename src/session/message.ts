import { PROTOCOL } from "../protocol/flags.ts";
import type { Header } from "./header.ts";
import type { Headers } from "./session.ts";

const COLON = 0x3a;
const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;

/**
 * A message as it is written to a file: its headers, an empty line, its body.
 *
 * @param protocol the protocol flags that were agreed: without leading space the MTA has taken one space
 * after the colon off, which is put back; what else stood there is not known.
 */
export async function* messageChunks(
  headers: Headers,
  body: AsyncIterable<Uint8Array>,
  protocol: number,
): AsyncGenerator<Uint8Array, void> {
  yield headerBlock(await headers.collect(), (protocol & PROTOCOL.LEADING_SPACE) !== 0);
  yield* body;
}

/** The headers and the empty line below them, with CRLF line ends. */
function headerBlock(headers: readonly Header[], leadingSpace: boolean): Uint8Array {
  const block: number[] = [];
  for (const { rawName, rawValue } of headers) {
    for (const byte of rawName) block.push(byte);
    block.push(COLON);
    if (!leadingSpace) block.push(SPACE);
    // The MTA sends a fold as a bare LF.
    for (const byte of rawValue) byte === LF ? block.push(CR, LF) : block.push(byte);
    block.push(CR, LF);
  }
  block.push(CR, LF);
  return Uint8Array.from(block);
}
