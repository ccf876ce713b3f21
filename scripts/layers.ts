/**
 * The rooms of `src` and what each may know. Imports point one way:
 * errors ← wire ← protocol ← session ← server, and protocol ← mta ← client.
 *
 * A module is judged by what it uses; check_layers.ts finds that out.
 */

/** What a room may know. */
export interface Room {
  /** Rooms that it may import from, beside itself. */
  readonly imports: readonly string[];
  /** Packages of others that it may import, by the names that deno.json gives them; none by default. */
  readonly packages?: readonly string[];
  /** Whether it may wait, and know what time it is. */
  readonly time: boolean;
  /** The files that may name a runtime and import its own modules. */
  readonly runtime: RegExp;
  /** The files that may import what is named only while running: modules of users. None by default. */
  readonly loads?: RegExp;
}

const NONE = /(?!)/;
const ALL = /(?:)/;

const PROTOCOL: readonly string[] = ["errors", "wire", "protocol"];
const SERVER: readonly string[] = [...PROTOCOL, "session", "adapters", "server"];
const EVERYTHING: readonly string[] = [...SERVER, "workers", "mta", "client", "testing", "cli"];

/** All rooms: the directories of `src`, and `errors.ts`. */
export const ROOMS: Readonly<Record<string, Room>> = {
  errors: { imports: [], time: false, runtime: NONE },
  wire: { imports: ["errors"], time: false, runtime: NONE },
  protocol: { imports: ["errors", "wire"], time: false, runtime: NONE },
  mta: { imports: PROTOCOL, time: false, runtime: NONE },
  session: { imports: PROTOCOL, time: true, runtime: NONE },
  adapters: { imports: ["errors"], time: true, runtime: ALL },
  server: { imports: SERVER, time: true, runtime: /\/(deno|bun|node)\.ts$/ },
  workers: { imports: [...SERVER, "observe"], time: true, runtime: ALL, loads: /\/worker\.ts$/ },
  client: { imports: [...PROTOCOL, "mta", "adapters"], time: true, runtime: /\/(deno|bun|node)\.ts$/ },
  mime: {
    imports: ["errors", "wire", "session"],
    packages: ["libmime", "mailparser"],
    time: true,
    runtime: NONE,
  },
  observe: { imports: ["errors", "session"], time: true, runtime: NONE },
  opentelemetry: {
    imports: ["errors", "session"],
    packages: ["@opentelemetry/api"],
    time: true,
    runtime: NONE,
  },
  testing: { imports: EVERYTHING, time: true, runtime: NONE },
  cli: { imports: [...EVERYTHING, "observe"], time: true, runtime: ALL, loads: /\/fresh_import\.ts$/ },
};

/** The entry point beside `src`: a list of names from any room. */
const ENTRY: Room = { imports: EVERYTHING, time: false, runtime: NONE };

/** Globals that only some runtimes have. */
const RUNTIME_NAMES: ReadonlySet<string> = new Set([
  ...["Deno", "Bun", "Buffer", "process", "require", "NodeJS"],
  // By it all of them can be had.
  "globalThis",
]);

/** Globals, and keywords, by which code waits or knows the time. */
const TIME_NAMES: ReadonlySet<string> = new Set([
  ...["async", "await", "Promise", "PromiseLike", "AbortSignal", "AbortController", "queueMicrotask"],
  ...["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "Date", "performance"],
  "Temporal",
]);

/** Something that a module uses. */
export interface Use {
  /**
   * `"import"`: another module, by its specifier. `"load"`: one whose specifier is an expression. `"name"`: a global or
   * a keyword.
   */
  readonly kind: "import" | "load" | "name";
  readonly what: string;
  readonly line: number;
}

/** A module of the library, by its path from the project's root: `src/wire/reader.ts`. */
export interface Module {
  readonly path: string;
  readonly uses: readonly Use[];
}

/** The lines that say what a module uses and may not; none if all is well. */
export function violations({ path, uses }: Module): string[] {
  const name = roomOf(path);
  const room = name === "mod" ? ENTRY : ROOMS[name];
  if (room === undefined) return [`${path}: "${name}" is not a room of scripts/layers.ts`];
  return uses.flatMap(({ kind, what, line }) => {
    const [does, ruleOf] = KINDS[kind];
    const rule = ruleOf(path, name, room, what);
    return rule === undefined ? [] : [`${path}:${line}: ${does(what)}: ${rule}`];
  });
}

type RuleOf = (path: string, name: string, room: Room, what: string) => string | undefined;

/** What a use of each kind is called, and the rule that it breaks, if any. */
const KINDS: Readonly<Record<Use["kind"], readonly [does: (what: string) => string, ruleOf: RuleOf]>> = {
  import: [(what) => `imports "${what}"`, ruleOfImport],
  load: [(what) => `imports ${what}`, ruleOfLoad],
  name: [(what) => `uses ${what}`, ruleOfName],
};

/** The rule that an import of something computed breaks, if any. */
function ruleOfLoad(path: string, _name: string, { loads }: Room): string | undefined {
  if (loads?.test(path)) return undefined;
  return "the library has no dependencies: only relative imports, written out";
}

/** The rule that an import breaks, if any. */
function ruleOfImport(path: string, name: string, room: Room, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) {
    return room.runtime.test(path) ? undefined : `${name} names no runtime here`;
  }
  if (!/^\.\.?\//.test(specifier)) {
    const { packages = [] } = room;
    if (packages.includes(specifier)) return undefined;
    return packages.length === 0
      ? "the library has no dependencies: only relative imports"
      : `${name} may import ${packages.join(", ")} and no other package`;
  }
  const imported = new URL(specifier, `file:///${path}`).pathname.slice(1);
  const target = roomOf(imported);
  if (target === name || room.imports.includes(target)) return undefined;
  const allowed = room.imports.length === 0 ? "nothing" : room.imports.join(", ");
  return `${name} may import ${allowed}, not ${imported}`;
}

/** The rule that a name breaks, if any. */
function ruleOfName(path: string, name: string, room: Room, what: string): string | undefined {
  if (RUNTIME_NAMES.has(what) && !room.runtime.test(path)) return `${name} names no runtime here`;
  if (TIME_NAMES.has(what) && !room.time) return `${name} has no promises, no timers and no clock`;
  return undefined;
}

/** `src/wire/reader.ts` is in `wire`, `src/errors.ts` in `errors`, `mod.ts` in `mod`. */
function roomOf(path: string): string {
  return path.match(/^(?:src\/)?([^/]*?)(?:\.ts$|\/)/)?.[1] ?? path;
}
