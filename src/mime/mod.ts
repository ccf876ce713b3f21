/**
 * Mail beyond the milter protocol: encoded words, address lists, parameters, and whole messages taken apart.
 *
 * Reading and writing are done by [mailparser](https://www.npmjs.com/package/mailparser) and
 * [libmime](https://www.npmjs.com/package/libmime). On npm they are optional peers of this package: install
 * them beside it. The rest of the library needs neither.
 *
 * ```ts
 * import { accept, defineFilter } from "@kilter/milter";
 * import { parseMessage } from "@kilter/milter/mime";
 *
 * export default defineFilter({ name: "no-programs", edits: ["quarantine"] }, async (session) => {
 *   const { attachments } = await parseMessage(session.message());
 *   if (attachments.some(({ filename }) => filename?.endsWith(".exe"))) session.quarantine("a program");
 *   return accept();
 * });
 * ```
 *
 * @module
 */

export {
  type AddressInput,
  formatAddresses,
  type FormatAddressesOptions,
  type Mailbox,
  type MailboxGroup,
  type MailboxGroupInput,
  type MailboxInput,
  parseAddresses,
  parseMailboxes,
} from "./addresses.ts";
export {
  type MessageInput,
  type ParsedAttachment,
  type ParsedHeader,
  type ParsedMessage,
  parseMessage,
  type ParseMessageOptions,
} from "./message.ts";
export {
  formatParameters,
  type ParametersInput,
  parseParameters,
  type ValueWithParameters,
} from "./parameters.ts";
export { decodeWords, encodeWords } from "./words.ts";
