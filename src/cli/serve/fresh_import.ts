import module, { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** What the runtimes have of Node's hooks: Deno and newer Nodes the first, older Nodes the second, Bun neither. */
interface Hooks {
  registerHooks?(hooks: { resolve(specifier: string, context: Context, next: Next): Resolved }): void;
  register?(specifier: string): void;
}

interface Context {
  readonly parentURL?: string | undefined;
}

interface Resolved {
  readonly url: string;
}

type Next = (specifier: string, context: Context) => Resolved;

let hooked = false;

/**
 * Imports a module as its files now are. The first time is an import like any other. Each later `generation` is a new
 * instance of the module and of all that it imports by relative paths; packages are those that there are.
 *
 * What was imported before stays in memory until the process ends: runtimes never let go of a module.
 *
 * @param files The module's files, as far as they are known.
 */
export async function importFresh(
  path: string,
  generation: number,
  files: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const { href } = pathToFileURL(path);
  if (generation === 0) return await import(href);
  if ("Bun" in globalThis) {
    // Bun forgets what is deleted here, ES modules too, and one that failed.
    const { cache } = createRequire(import.meta.url);
    for (const file of files) delete cache[file];
    return await import(href);
  }
  hook(module as Hooks);
  const marked = `${href}?kilter=${generation}`;
  return await import(marked);
}

/** Has what a marked module imports be marked as well, once and for all. */
function hook({ registerHooks, register }: Hooks): void {
  if (hooked) return;
  if (registerHooks !== undefined) {
    registerHooks({
      resolve: (specifier, context, next) => mark(specifier, context.parentURL, next(specifier, context)),
    });
  } else if (register !== undefined) {
    // Hooks of this kind run in a thread of their own, from a module of their own.
    const source = `${mark}
export async function resolve(specifier, context, next) {
  return ${mark.name}(specifier, context.parentURL, await next(specifier, context));
}`;
    register(`data:text/javascript,${encodeURIComponent(source)}`);
  } else throw new Error("Cannot reload: this runtime cannot import a module again");
  hooked = true;
}

/** This function uses nothing but what it is given: its text goes to another thread. */
function mark(specifier: string, parent: string | undefined, resolved: Resolved): Resolved {
  const generation = /\?kilter=\d+$/.exec(parent ?? "")?.[0];
  if (generation === undefined || !/^\.{1,2}\//.test(specifier) || resolved.url.includes("?")) {
    return resolved;
  }
  return { ...resolved, url: resolved.url + generation };
}
