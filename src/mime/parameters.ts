import libmime from "libmime";
import { hasControl, printable, unfold } from "./text.ts";
import { decodeWords } from "./words.ts";

/** A value with parameters: that of Content-Type, Content-Disposition and the like. */
export interface ValueWithParameters {
  /** What stands before the parameters, in small letters: `text/plain`, `attachment`. */
  readonly value: string;
  /** The parameters, decoded, by their names in small letters. Of namesakes the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parameters to write, by name. */
export type ParametersInput = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

/** RFC 2045, 5.1. The names of parameters leave out what RFC 2231 gives a meaning. */
const TOKEN = /^[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+$/;
const VALUE = /^[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+(?:\/[!#$%&'*+.0-9A-Z^_`a-z{|}~-]+)?$/;
const MARK = /[*'%]/;

/**
 * Takes a value with parameters apart. Parameters in pieces and in other charsets are put together and
 * decoded (RFC 2231), and so are encoded words, where many programs write them. Comments are taken off. No
 * value is refused.
 *
 * @throws {TypeError} if the value is no string.
 *
 * @example
 * ```ts
 * import { parseParameters } from "@kilter/milter/mime";
 * import { assertEquals } from "@std/assert";
 *
 * const { value, parameters } = parseParameters("attachment; filename*=UTF-8''%C3%9Cbersicht.pdf");
 * assertEquals(value, "attachment");
 * assertEquals(parameters.get("filename"), "Übersicht.pdf");
 * ```
 */
export function parseParameters(value: string): ValueWithParameters {
  if (typeof value !== "string") throw new TypeError(`Cannot parse parameters: ${typeof value} is no string`);
  const parsed = libmime.parseHeaderValue(unfold(value), { stripComments: true });
  const decoded = new Set(parsed.decodedParams);
  const parameters = new Map(
    Object.entries(parsed.params).map((
      [name, text],
    ) => [name, decoded.has(name) ? printable(text) : decodeWords(text)]),
  );
  return { value: printable(parsed.value).toLowerCase(), parameters };
}

/**
 * A value with parameters, for `session.headers.append("Content-Disposition", …)`. Parameters beyond ASCII,
 * and long ones, go out by RFC 2231.
 *
 * @throws {TypeError} if the value or the name of a parameter is none, or if there are control characters in
 * a parameter, line breaks among them.
 *
 * @example
 * ```ts
 * import { formatParameters, parseParameters } from "@kilter/milter/mime";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatParameters("text/plain", { charset: "utf-8" }), "text/plain; charset=utf-8");
 * const disposition = formatParameters("attachment", { filename: "Übersicht.pdf" });
 * assertEquals(parseParameters(disposition).parameters.get("filename"), "Übersicht.pdf");
 * ```
 */
export function formatParameters(value: string, parameters: ParametersInput = {}): string {
  if (typeof value !== "string" || !VALUE.test(value)) {
    refuse(`${JSON.stringify(value)} is no value for them`);
  }
  const entries = parameters instanceof Map ? [...parameters] : Object.entries(parameters);
  for (const [name, text] of entries) {
    if (!TOKEN.test(name) || MARK.test(name)) refuse(`${JSON.stringify(name)} is no name`);
    if (typeof text !== "string") refuse(`${name} is no string but ${typeof text}`);
    if (hasControl(text)) refuse(`${name} holds control characters`);
  }
  return libmime.buildHeaderValue({ value, params: Object.fromEntries(entries) });
}

function refuse(why: string): never {
  throw new TypeError(`Cannot format parameters: ${why}`);
}
