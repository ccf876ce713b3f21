import process from "node:process";
import { fileURLToPath } from "node:url";

/** Where something stands in a file, as runtimes write it in messages and stacks. */
const PLACE = /(?:file:\/\/|(?<![\w:]))(\/[^\s:()]+):(\d+)(?::(\d+))?/g;

/** A place in a file, as Bun describes it. */
interface Position {
  readonly file: string;
  readonly line: number;
  /** Not told by Node where it reads TypeScript. */
  readonly column?: number | undefined;
}

/** The rooms of this package: what stands there tells nobody anything. */
const OWN: string = fileURLToPath(new URL("../../", import.meta.url));

/** Why a module could not be loaded, on one line, with the place in its files where that can be told. */
export function loadFailure(path: string, cause: unknown): Error {
  return new Error(`Cannot load ${path}: ${reason(cause)}`, { cause });
}

function reason(cause: unknown): string {
  if (!(cause instanceof Object)) return `it threw ${String(cause)}`;
  const { code, message = "", stack = "", position } = cause as {
    readonly code?: string;
    readonly message?: string;
    readonly stack?: string;
    readonly position?: Position | null;
  };
  if (code === "ERR_UNKNOWN_FILE_EXTENSION" && /\.[cm]?tsx?\b/.test(message)) return noTypeScript();
  const lines = plain(message).split("\n");
  const first = lines[0]!.replace(/^SyntaxError: /, "").replace(/\.$/, "");
  const place = position ?? placeIn(plain(`${message}\n${stack}`));
  if (place === undefined || first.includes(place.file)) return first;
  const { file, line, column } = place;
  return `${first} (${[file, line, column].filter((part) => part !== undefined).join(":")})`;
}

/** What to do where the runtime takes JavaScript only. */
function noTypeScript(): string {
  return `Node ${process.versions.node} does not run TypeScript: use Node 22.18 or later, Deno or Bun, ` +
    "or compile it to JavaScript first";
}

function placeIn(text: string): Position | undefined {
  for (const [, file = "", line, column] of text.matchAll(PLACE)) {
    const path = decodeURI(file).replace(/\?kilter=\d+$/, "");
    if (!path.startsWith(OWN)) {
      return { file: path, line: Number(line), column: column === undefined ? undefined : Number(column) };
    }
  }
  return undefined;
}

/** Deno colours its messages. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\x1b\[[\d;]*m/g, "");
}
