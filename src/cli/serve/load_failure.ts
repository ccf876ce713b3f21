import process from "node:process";
import { type Place, syntaxPlace } from "./syntax_place.ts";

/** Where something stands in a file, as runtimes write it in messages and stacks. */
const PLACE = /(?:file:\/\/|(?<![\w:]))(\/[^\s:()]+):(\d+)(?::(\d+))?/g;

/** The rooms of this package: what stands there tells nobody anything. */
const OWN: string = new URL("../../", import.meta.url).pathname;

/** A module cannot be loaded, for this reason. */
export function cannotLoad(path: string, why: string, cause?: unknown): Error {
  return new Error(`Cannot load ${path}: ${why}`, { cause });
}

/**
 * A module cannot be loaded: why, on one line, with the place where that can be told.
 *
 * @param files The files that the module is made of.
 */
export async function loadFailure(path: string, cause: unknown, files: readonly string[]): Promise<Error> {
  return cannotLoad(path, await reason(cause, files), cause);
}

async function reason(cause: unknown, files: readonly string[]): Promise<string> {
  if (!(cause instanceof Object)) return `it threw ${String(cause)}`;
  const { code, message = "", stack = "", position } = cause as {
    readonly code?: string;
    readonly message?: string;
    readonly stack?: string;
    readonly position?: Place | null;
  };
  if (code === "ERR_UNKNOWN_FILE_EXTENSION" && /\.[cm]?tsx?\b/.test(message)) return noTypeScript();
  const lines = plain(message).split("\n");
  const first = lines[0]!.replace(/^SyntaxError: /, "").replace(/\.$/, "");
  const place = position ?? placeIn(plain(`${message}\n${stack}`)) ??
    (cause instanceof SyntaxError ? await syntaxPlace(files) : undefined);
  if (place === undefined || first.includes(place.file)) return first;
  const { file, line, column } = place;
  return `${first} (${[file, line, column].filter((part) => part !== undefined).join(":")})`;
}

/** What to do where the runtime takes JavaScript only. */
function noTypeScript(): string {
  return `Node ${process.versions.node} does not run TypeScript: use Node 22.18 or later, Deno or Bun, ` +
    "or compile it to JavaScript first";
}

function placeIn(text: string): Place | undefined {
  const found = [...text.matchAll(PLACE)].find(([, file = ""]) => !file.startsWith(OWN));
  if (found === undefined) return undefined;
  const [, file = "", line, column] = found;
  return { file, line: Number(line), column: column === undefined ? undefined : Number(column) };
}

/** Without Deno's colours, and the mark of a module that was imported again. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[\d;]*m|\?kilter=\d+/g, "");
}
