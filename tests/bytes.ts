/** Bytes as the tests write and compare them. */

import { concat } from "../src/wire/concat.ts";
import { assertEquals } from "./harness.ts";

export { concat };

/** A packet as it goes over the wire: its length in front. */
export function frame(packet: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, packet.length);
  return concat([length, packet]);
}

/** The bytes of a text; characters up to `\xff` stand for themselves. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The bytes of hexadecimal digits. */
export function fromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at++) bytes[at] = parseInt(hex.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Where two rows of bytes part; `undefined` if they are the same. */
function parting(one: Uint8Array, other: Uint8Array): number | undefined {
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return at;
  return one.length === other.length ? undefined : one.length;
}

/** Whether both are the same bytes. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return parting(one, other) === undefined;
}

/** Fails unless both are the same bytes; quicker on long ones than `assertEquals`, and shows where they part. */
export function assertBytes(actual: Uint8Array, expected: Uint8Array): void {
  const at = parting(actual, expected);
  if (at === undefined) return;
  const around = (bytes: Uint8Array) => `at ${at}: ${toHex(bytes.subarray(Math.max(0, at - 16), at + 16))}`;
  assertEquals(around(actual), around(expected));
}
