/**
 * The milter protocol without I/O: both ends, every command and every reply, and the bytes between them.
 *
 * {@linkcode FilterEnd} is the filter's end, {@linkcode MtaEnd} the MTA's. Neither knows a socket, a clock
 * or a promise: bytes go in, messages come out, and the reverse.
 *
 * @module
 */

export * from "../errors.ts";
export { Framer } from "../wire/framer.ts";
export type { Field, Take } from "../wire/fields.ts";
export type { Reader } from "../wire/reader.ts";
export type { Writer } from "../wire/writer.ts";
export { Slice } from "../wire/slice.ts";
export { decodeText, encodeText, type Text } from "../wire/text.ts";
export { decodeCommand, decodeReply, encodeCommand, encodeReply } from "./codec.ts";
export * from "./commands.ts";
export * from "./filter_end.ts";
export { ACTION, LOWEST_VERSION, MACRO_STAGE, PROTOCOL, VERSION } from "./flags.ts";
export { DEFAULT_MACROS, type MacroStage } from "./macro_defaults.ts";
export * from "./macros.ts";
export * from "./mta_end.ts";
export * from "./negotiation.ts";
export * from "./replies.ts";
export * from "./reply_text.ts";
