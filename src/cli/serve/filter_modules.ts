import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { compose, shadow } from "../../session/compose.ts";
import type { Sight } from "../../session/declaration.ts";
import { alsoShown, defineFilter, type Filter, isDefined } from "../../session/filter.ts";
import type { ShadowReport } from "../../session/member.ts";
import { importFresh } from "./fresh_import.ts";
import { cannotLoad, loadFailure } from "./load_failure.ts";
import { localFiles } from "./local_imports.ts";

/** The modules that are served. */
export interface FilterModules {
  /** Those whose filters have a say, in their order. */
  readonly filters: readonly string[];
  /** Those whose filters are only watched. */
  readonly shadows: readonly string[];
  /** Takes what these would have said. */
  readonly onShadow: (report: ShadowReport) => void;
  /** Whether each message is to be told of, so that the MTA must say who sends what to whom. */
  readonly told: boolean;
}

/** What is told of each message. */
const TOLD: readonly Sight[] = ["connect", "helo", "mail", "rcpt"];

/** All files that the modules are made of. */
export function filesOf({ filters, shadows }: Pick<FilterModules, "filters" | "shadows">): Promise<string[]> {
  return localFiles([...filters, ...shadows].map((path) => resolve(path)));
}

/**
 * The modules' filters as one, each module as its files now are.
 *
 * @param generation How often they have been loaded before.
 * @throws {Error} if one cannot be loaded, or exports no filter.
 */
export async function loadFilter(
  { filters, shadows, onShadow, told }: FilterModules,
  generation: number,
  files: readonly string[],
): Promise<Filter> {
  const all: Filter[] = [];
  for (const path of filters) all.push(await loadOne(path, generation, files));
  for (const path of shadows) {
    all.push(shadow(await loadOne(path, generation, files), { onVerdict: onShadow }));
  }
  const filter = all.length === 1 ? all[0]! : compose(...all);
  return told ? alsoShown(filter, TOLD) : filter;
}

async function loadOne(path: string, generation: number, files: readonly string[]): Promise<Filter> {
  const file = resolve(path);
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw cannotLoad(path, "there is no such file");
  if (!found.isFile()) throw cannotLoad(path, "it is no file");
  let namespace: Readonly<Record<string, unknown>>;
  try {
    namespace = await importFresh(file, generation, files);
  } catch (error) {
    throw await loadFailure(path, error, files);
  }
  if (!("default" in namespace)) {
    throw cannotLoad(path, "it has no default export: export default defineFilter(…), or a function");
  }
  const { default: exported } = namespace;
  if (typeof exported !== "function") {
    throw cannotLoad(path, `its default export is no filter but ${kindOf(exported)}`);
  }
  return named(exported as Filter, basename(path).replace(/\.\w+$/, ""));
}

/** A function without a name of its own goes by that of its file. */
function named(filter: Filter, name: string): Filter {
  return isDefined(filter) || !ANONYMOUS.has(filter.name) ? filter : defineFilter({ name }, filter);
}

/** What runtimes call a function that is only exported. */
const ANONYMOUS: ReadonlySet<string> = new Set(["", "default", "starDefault"]);

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
