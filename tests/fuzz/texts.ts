/** What must hold of all that reads text of headers, envelopes, replies and addresses, whatever the text. */

import { formatAddress, parseAddress } from "../../src/adapters/address.ts";
import {
  buildReply,
  decodeText,
  encodeText,
  formatReply,
  Macros,
  MilterError,
  parseReply,
  type SmtpReply,
} from "../../src/protocol/mod.ts";
import { ReceivedConnection } from "../../src/session/connection.ts";
import { bracketed, joinArguments, ReceivedAddress } from "../../src/session/envelope.ts";
import { ReceivedHeader } from "../../src/session/header.ts";
import { composeValue } from "../../src/session/header_value.ts";
import { mtaOf } from "../../src/session/mta.ts";
import { Slice } from "../../src/wire/slice.ts";
import { sameBytes } from "../bytes.ts";
import { assert, assertEquals, type Random } from "../harness.ts";

/** Everything that the core reads text by. */
export function checkTexts(bytes: Uint8Array, random: Random): number {
  const text = decodeText(bytes);
  checkReplyText(bytes, text, random.pick([4, 5]));
  checkMacros(bytes, random.pick([..."CHMRTLNBEU"]));
  checkReceived(bytes, text);
  checkAddress(text);
  for (const utf8 of [true, false]) checkHeaderValue(text, utf8);
  refusing(() => assert(/^<.*>$/.test(bracketed(text))));
  const parts = text.split(" ").filter((part) => part !== "");
  refusing(() => assertEquals(joinArguments(parts)?.split(" ") ?? [], parts));
  return 1;
}

/** What a refusal is: a wrong argument is said to be one. */
export function refusing<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw error;
    assert(error.message.startsWith("Cannot "), `${error.stack}`);
    return undefined;
  }
}

function checkReplyText(bytes: Uint8Array, text: string, kind: 4 | 5): void {
  let parsed: SmtpReply | undefined;
  try {
    parsed = parseReply(bytes);
  } catch (error) {
    assert(error instanceof MilterError && error.code === "MESSAGE", `${error}`);
  }
  for (const reply of [parsed, refusing(() => buildReply(text, kind))]) {
    if (reply === undefined) continue;
    const out = formatReply(reply, { utf8: true });
    assertEquals(parseReply(out), { ...reply });
    // Surrogates without their other halves are no UTF-8, so it is the text as it went out that is compared.
    assert(sameBytes(formatReply(parseReply(out), { utf8: true }), out), "said again it is another");
    assert(formatReply(reply).every((byte) => byte < 0x80), "beyond ASCII");
  }
}

function checkMacros(bytes: Uint8Array, stage: string): void {
  const macros = Macros.none.define("C", bytes.subarray(bytes.length >> 1)).define(stage, bytes);
  for (const [name, value] of Object.entries(macros.toObject())) {
    assertEquals(macros.get(name), value, `macro ${JSON.stringify(name)}`);
  }
  mtaOf(macros);
}

function checkReceived(bytes: Uint8Array, text: string): void {
  const slice = new Slice(bytes);
  const address = new ReceivedAddress({ type: "mail", address: slice, arguments: [slice] });
  assert(address.address.length <= text.length && address.parameters.size === 1, text);
  const header = new ReceivedHeader(slice, slice);
  assert(header.name === text && header.value.length <= text.length, text);
  const connection = new ReceivedConnection({
    type: "connect",
    hostname: slice,
    family: "inet6",
    port: 0,
    address: slice,
  });
  assert(connection.host === text && typeof connection.address === "string", text);
}

function checkAddress(text: string): void {
  const address = refusing(() => parseAddress(text));
  if (address === undefined) return;
  // A host that looks like part of an address is read in another way than it is written.
  const again = refusing(() => parseAddress(formatAddress(address)));
  if ("path" in address) assertEquals(again, address);
}

/** Unfolded it is the value again, and nothing in it ends the header. */
function checkHeaderValue(text: string, utf8: boolean): void {
  const out = refusing(() => composeValue("X-Y", text, { utf8 }));
  if (out === undefined) return;
  assert(!/[\r\0]|\n(?![ \t])|\n[ \t\v\f]+(?=\n|$)/.test(out), JSON.stringify(out));
  assert(out.split("\n").every((line) => encodeText(line).length <= 998), "a line is too long");
  // deno-lint-ignore no-control-regex -- ASCII has them
  if (!utf8) assert(/^[\x00-\x7f]*$/.test(out), "beyond ASCII");
  else if (!text.includes("\n")) assertEquals(out.replaceAll("\n", ""), text);
}
