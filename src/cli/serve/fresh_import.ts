import module from "node:module";
import { dirname, resolve as resolvePath } from "node:path";
import { pathToFileURL } from "node:url";
import { completed } from "./local_imports.ts";

/** What Node and Deno have for what imports lead to: newer ones the first, older Nodes the second. */
interface NodeHooks {
  registerHooks?(hooks: {
    resolve(specifier: string, context: { readonly parentURL?: string | undefined }, next: Next): Resolved;
  }): void;
  register?(specifier: string): void;
}

type Next = (specifier: string, context: object) => Resolved;

interface Resolved {
  readonly url: string;
}

/** What Bun has. */
interface BunApi {
  plugin(plugin: {
    readonly name: string;
    setup(build: {
      onResolve(
        options: { readonly filter: RegExp },
        onResolve: (
          asked: { readonly path: string; readonly importer: string },
        ) => { path: string } | undefined,
      ): void;
    }): void;
  }): void;
}

declare const Bun: BunApi;

let hooked = false;

/** Bun does not tell which instance of a module imports: it can only be the latest. */
const latest: { generation: number; files: ReadonlySet<string> } = { generation: 0, files: new Set() };

/**
 * Imports a module as its files now are. The first time is an import like any other. Each later `generation` is a new
 * instance of the module and of all that it imports by relative paths, marked by the end of their addresses;
 * packages are those that there are.
 *
 * What was imported before stays in memory until the process ends: runtimes never let go of a module.
 *
 * @param files The files that the module is made of.
 */
export async function importFresh(
  path: string,
  generation: number,
  files: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const bun = "Bun" in globalThis;
  const address = bun ? path : pathToFileURL(path).href;
  if (generation === 0) return await import(address);
  if (!hooked) bun ? hookBun() : hookNode();
  hooked = true;
  latest.generation = generation;
  latest.files = new Set(files);
  const marked = `${address}?kilter=${generation}`;
  return await import(marked);
}

/** Has what a marked module imports be marked as well. */
function hookNode(): void {
  const { registerHooks, register } = module as NodeHooks;
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
}

/** This function uses nothing but what it is given: its text goes to another thread. */
function mark(specifier: string, parent: string | undefined, resolved: Resolved): Resolved {
  const generation = /\?kilter=\d+$/.exec(parent ?? "")?.[0];
  if (generation === undefined || !/^\.{1,2}\//.test(specifier) || resolved.url.includes("?")) {
    return resolved;
  }
  return { ...resolved, url: resolved.url + generation };
}

function hookBun(): void {
  Bun.plugin({
    name: "kilter",
    setup: (build) =>
      build.onResolve({ filter: /^\.{1,2}\// }, ({ path, importer }) => {
        const { generation, files } = latest;
        if (!files.has(importer)) return undefined;
        const file = completed(resolvePath(dirname(importer), path), (one) => files.has(one));
        return file === undefined ? undefined : { path: `${file}?kilter=${generation}` };
      }),
  });
}
