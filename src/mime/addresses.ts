import { type EmailAddress, parseAddressHeader } from "mailparser";
import { encodeWhole, isBeyondAscii } from "../session/encoded_words.ts";
import { hasControl, printable, unfold } from "./text.ts";
import { FIRST_WORD_LIMIT } from "./words.ts";

/** An address and the name of who it belongs to. */
export interface Mailbox {
  /** The name, decoded; empty if there is none. */
  readonly name: string;
  /** The address as it was written, without brackets; empty if there was only a name. */
  readonly address: string;
}

/** Some mailboxes under one name: `Knights: arthur@example.com, robin@example.com;`. */
export interface MailboxGroup {
  /** The name of the group, decoded. */
  readonly name: string;
  /** Its mailboxes: none in `undisclosed-recipients:;`. */
  readonly members: readonly Mailbox[];
}

/** A mailbox to write: its name may be left out. */
export interface MailboxInput {
  /** The name, as people read it; none by default. */
  readonly name?: string | undefined;
  /** The address, without brackets. */
  readonly address: string;
}

/** A group of mailboxes to write. */
export interface MailboxGroupInput {
  /** The name of the group, as people read it. */
  readonly name: string;
  /** Its mailboxes, or their addresses. */
  readonly members: readonly (string | MailboxInput)[];
}

/** What {@linkcode formatAddresses} takes: an address, a mailbox, a group. */
export type AddressInput = string | MailboxInput | MailboxGroupInput;

/** The optional part of {@linkcode formatAddresses}. */
export interface FormatAddressesOptions {
  /**
   * Whether the message is under SMTPUTF8 (RFC 6531, 6532): names and addresses then go out as they are.
   * Without it names are encoded, domains become IDNs, and a local part beyond ASCII is refused. Default:
   * `false`.
   */
  readonly utf8?: boolean;
}

/**
 * The mailboxes and groups in the value of an address header: From, To, Reply-To and the like.
 *
 * Names are decoded, comments and old source routes taken off; a comment after a bare address is its name.
 * What is no address at all becomes a mailbox with a name only. No value is refused.
 *
 * @throws {TypeError} if the value is no string.
 *
 * @example
 * ```ts
 * import { parseAddresses } from "@kilter/milter/mime";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseAddresses('=?utf-8?q?J=C3=BCrgen?= <j@x.example>, Knights: "Robin, Sir" <r@x.example>;'), [
 *   { name: "Jürgen", address: "j@x.example" },
 *   { name: "Knights", members: [{ name: "Robin, Sir", address: "r@x.example" }] },
 * ]);
 * ```
 */
export function parseAddresses(value: string): (Mailbox | MailboxGroup)[] {
  if (typeof value !== "string") throw new TypeError(`Cannot parse addresses: ${typeof value} is no string`);
  const { value: entries } = parseAddressHeader(unfold(value), { decodePunycode: false });
  return entries.flatMap((entry): (Mailbox | MailboxGroup)[] => {
    if (entry.group === undefined) return mailbox(entry);
    return [{ name: printable(entry.name), members: entry.group.flatMap(members) }];
  });
}

/**
 * The mailboxes in the value of an address header, those in groups among them.
 *
 * @throws {TypeError} if the value is no string.
 *
 * @example
 * ```ts
 * import { parseMailboxes } from "@kilter/milter/mime";
 * import { assertEquals } from "@std/assert";
 *
 * const [from] = parseMailboxes("King Arthur <arthur@example.com>");
 * assertEquals(from?.address, "arthur@example.com");
 * ```
 */
export function parseMailboxes(value: string): Mailbox[] {
  return parseAddresses(value).flatMap((entry) => "members" in entry ? entry.members : entry);
}

function members(entry: EmailAddress): Mailbox[] {
  return entry.group === undefined ? mailbox(entry) : entry.group.flatMap(members);
}

/** `<>` is no mailbox. */
function mailbox({ name, address = "" }: EmailAddress): Mailbox[] {
  return name === "" && address === "" ? [] : [{ name: printable(name), address: printable(address) }];
}

/**
 * The value of an address header that holds these mailboxes and groups: for Reply-To, Cc and the like.
 *
 * Names are quoted or encoded as they need it, domains beyond ASCII become IDNs (`xn--…`).
 *
 * @throws {TypeError} if there is none, if an address is none, or if there are control characters in a name.
 * A local part beyond ASCII needs a message under SMTPUTF8, and the option `utf8`.
 *
 * @example
 * ```ts
 * import { formatAddresses } from "@kilter/milter/mime";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   formatAddresses([{ name: "Jürgen", address: "j@x.example" }, "r@x.example"]),
 *   "=?UTF-8?Q?J=C3=BCrgen?= <j@x.example>, r@x.example",
 * );
 * assertEquals(formatAddresses("info@größe.example"), "info@xn--gre-6ka8i.example");
 * ```
 */
export function formatAddresses(
  addresses: AddressInput | readonly AddressInput[],
  { utf8 = false }: FormatAddressesOptions = {},
): string {
  const list: readonly AddressInput[] = isList(addresses) ? addresses : [addresses];
  if (list.length === 0) refuse("there are none");
  return list.map((entry) => formatEntry(entry, utf8)).join(", ");
}

function isList(addresses: AddressInput | readonly AddressInput[]): addresses is readonly AddressInput[] {
  return Array.isArray(addresses);
}

function formatEntry(entry: AddressInput, utf8: boolean): string {
  if (typeof entry !== "object" || entry === null || !("members" in entry)) return formatMailbox(entry, utf8);
  if (!Array.isArray(entry.members)) refuse("the members of a group are no list");
  const list = entry.members.map((member) => formatMailbox(member, utf8)).join(", ");
  return `${formatPhrase(entry.name, utf8)}:${list === "" ? "" : ` ${list}`};`;
}

function formatMailbox(entry: string | MailboxInput, utf8: boolean): string {
  const { name = "", address } = typeof entry === "string" ? { address: entry } : entry ?? {};
  const formatted = formatAddress(address, utf8);
  return name === "" ? formatted : `${formatPhrase(name, utf8)} <${formatted}>`;
}

/** What an atom is made of (RFC 5322, 3.2.3; RFC 6532, 3.2). */
const ATEXT = "A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u{a0}-\\u{10ffff}-";
const ATOMS = new RegExp(`^[${ATEXT}]+(?: [${ATEXT}]+)*$`, "u");
const DOT_ATOM = new RegExp(`^[${ATEXT}]+(?:\\.[${ATEXT}]+)*$`, "u");
const ATOMS_AND_DOTS = new RegExp(`^[.${ATEXT}]+$`, "u");
const QUOTED = /^"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"$/u;
const LITERAL = /^\[[!-Z^-~]+\]$/;
const DOMAIN = /^[\p{L}\p{N}\p{M}_-]+(?:\.[\p{L}\p{N}\p{M}_-]+)*$/u;

/** The name before an address: as it is, quoted, or encoded. */
function formatPhrase(name: string, utf8: boolean): string {
  if (typeof name !== "string") refuse(`a name is no string but ${typeof name}`);
  if (hasControl(name)) {
    refuse(`the name ${JSON.stringify(name)} holds control characters`);
  }
  // In quotes a reader should take `=?` for what it is. Most do not.
  if (!utf8 && isBeyondAscii(name) || name.includes("=?")) return encodeWhole(name, FIRST_WORD_LIMIT);
  return ATOMS.test(name) ? name : quote(name);
}

function formatAddress(address: string | undefined, utf8: boolean): string {
  if (typeof address !== "string") return refuse(`an address is no string but ${typeof address}`);
  const at = address.lastIndexOf("@");
  const local = formatLocalPart(address.slice(0, at));
  const domain = formatDomain(address.slice(at + 1), utf8);
  if (at < 0 || local === undefined || domain === undefined) {
    return refuse(`${JSON.stringify(address)} is none`);
  }
  if (!utf8 && isBeyondAscii(local)) {
    refuse(`${JSON.stringify(address)} is for messages under SMTPUTF8 only: say { utf8: true } there`);
  }
  return `${local}@${domain}`;
}

function formatLocalPart(local: string): string | undefined {
  if (DOT_ATOM.test(local) || QUOTED.test(local)) return local;
  // Some providers gave out `a..b@` and `a.@`, which are no addresses without quotes.
  return ATOMS_AND_DOTS.test(local) ? quote(local) : undefined;
}

function formatDomain(domain: string, utf8: boolean): string | undefined {
  if (LITERAL.test(domain)) return domain;
  if (!DOMAIN.test(domain)) return undefined;
  if (!isBeyondAscii(domain)) return domain;
  try {
    const { hostname } = new URL(`http://${domain}`);
    return utf8 ? domain : hostname;
  } catch {
    return undefined; // It is no IDN.
  }
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function refuse(why: string): never {
  throw new TypeError(`Cannot format addresses: ${why}`);
}
