/** All that the benchmark measures: Kilter, the libraries of others, and responders that do the least. */

import { type Address, parseAddress } from "../../src/adapters/address.ts";
import { locate, type Runtime, RUNTIMES } from "../runtimes.ts";
import { crate, goModule, onLibmilter, plainC, pythonPackage, type Recipe } from "./contenders/toolchains.ts";
import { commandFor, freshPlace } from "../places.ts";
import { remembered } from "./contenders/remembered.ts";

/**
 * What a contender serves. Each filter asks for every event, each header by itself, and accepts at the end.
 * - `"answered"` answers all of them;
 * - `"end"` negotiates all answers away but that to the end of the message;
 * - `"default"` is the simplest filter, of Kilter a function; of others it is `"answered"`;
 * - `"slow"` is `"end"`, and takes its time for each chunk of the body; only Kilter has it.
 */
export type FilterName = "answered" | "end" | "default" | "slow";

/** One that is measured. */
export interface Contender {
  readonly name: string;
  readonly title: string;
  readonly kind: "ours" | "peer" | "bare";
  readonly language: string;
  /** Where it comes from. */
  readonly origin: string;
  /** Where it does not do the same as the others. */
  readonly notes: readonly string[];
  /**
   * Makes it ready in a directory, or finds it there.
   *
   * @throws {Error} with the reason, when it cannot be had on this machine.
   */
  readonly install: (cache: string) => Promise<Installed>;
}

/** One that can be started. */
export interface Installed {
  /** Its version, and of what it was built with or runs on. */
  readonly version: string;
  /**
   * The command that serves a filter at an address, as `inet:8891@127.0.0.1` or `unix:/run/filter.sock`, until it is
   * ended. It does not say when it listens: connect to find out. End it by `SIGKILL`: libmilter takes seconds for
   * any other signal. A socket's path must be free.
   *
   * @throws {Error} if it cannot listen there.
   */
  readonly command: (filter: FilterName, address: string) => string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A program in contenders/. */
interface Peer extends Pick<Contender, "title" | "language" | "origin"> {
  readonly file: string;
  readonly recipe: Recipe;
  readonly kind?: "bare";
  readonly notes?: readonly string[];
  /** How it is told an address; as `host:port` or a path if it does not matter. */
  readonly spell?: (address: Address) => string;
}

/** By name. The versions are those that the programs were written for. */
const PEERS: Readonly<Record<string, Peer>> = {
  "bare-c": {
    title: "bare responder, C",
    kind: "bare",
    language: "C",
    origin: "ours",
    file: "bare.c",
    recipe: plainC,
  },
  libmilter: {
    title: "libmilter",
    language: "C",
    origin: "libmilter-dev of Debian",
    file: "on_libmilter.c",
    recipe: onLibmilter,
    spell: asSendmail,
  },
  pymilter: {
    title: "pymilter",
    language: "Python",
    origin: "pymilter of PyPI, over libmilter-dev of Debian",
    file: "on_pymilter.py",
    recipe: pythonPackage("pymilter", "1.0.5", "libmilter"),
    spell: asSendmail,
  },
  "d--j/go-milter": {
    title: "d--j/go-milter",
    language: "Go",
    origin: "the module github.com/d--j/go-milter",
    file: "on_dj_go_milter.go",
    recipe: goModule("github.com/d--j/go-milter", "0.10.1"),
  },
  "emersion/go-milter": {
    title: "emersion/go-milter",
    language: "Go",
    origin: "the module github.com/emersion/go-milter",
    file: "on_emersion_go_milter.go",
    recipe: goModule("github.com/emersion/go-milter", "0.5.0"),
    notes: [
      "agrees to version 2 of the protocol, which has no DATA; it answers DATA itself, and no filter sees it",
      "cannot leave DATA unanswered: where only the end is to be answered, DATA is negotiated away",
    ],
  },
  indymilter: {
    title: "indymilter",
    language: "Rust",
    origin: "the crate indymilter, on tokio",
    file: "on_indymilter.rs",
    recipe: crate("indymilter", "0.3.0", ["macros", "net", "rt-multi-thread"]),
  },
  "kilter.service": {
    title: "kilter.service",
    language: "Python",
    origin: "kilter.service of PyPI, on asyncio",
    file: "on_kilter_service.py",
    recipe: pythonPackage("kilter.service", "0.3.1"),
  },
  purepythonmilter: {
    title: "purepythonmilter",
    language: "Python",
    origin: "purepythonmilter of PyPI, on asyncio",
    file: "on_purepythonmilter.py",
    recipe: pythonPackage("purepythonmilter", "0.0.1"),
    notes: ["listens on TCP only"],
    spell: onTcpOnly,
  },
};

/** What runs on several runtimes: a script of this folder, which knows the filters by their names. */
const SCRIPTS = {
  ours: { name: "kilter", title: "Kilter", file: "filter.ts", on: ["deno", "bun", "node20", "node24"] },
  bare: { name: "bare", title: "bare responder", file: "bare.ts", on: ["deno", "bun", "node24"] },
} as const;

/** Everyone, Kilter first. One that cannot be had is here too: `install` says why. */
export const CONTENDERS: readonly Contender[] = [
  ...onRuntimes("ours"),
  ...Object.entries(PEERS).filter(([, { kind }]) => kind === undefined).map(inProgram),
  ...onRuntimes("bare"),
  ...Object.entries(PEERS).filter(([, { kind }]) => kind === "bare").map(inProgram),
];

function onRuntimes(kind: keyof typeof SCRIPTS): Contender[] {
  const { name, title, file, on } = SCRIPTS[kind];
  return on.map((runtime) => RUNTIMES.find((one) => one.name === runtime)!).map((runtime): Contender => ({
    name: `${name}-${runtime.name}`,
    title: `${title}, ${titleOf(runtime)}`,
    kind,
    language: "TypeScript",
    origin: "ours",
    notes: [],
    install: async (cache) => {
      const program = await locate(runtime);
      if (program === undefined) throw new Error(`Cannot install: there is no ${runtime.name}`);
      const place = await freshPlace(runtime, program, cache);
      return {
        version: `${runtime.kind} ${program.version}`,
        command: (filter, address) =>
          commandFor(place, [`scripts/bench/${file}`, filter, plainly(parseAddress(address))]),
      };
    },
  }));
}

/** As people write it: `Deno`, `Node 24`. */
function titleOf({ kind, name }: Runtime): string {
  return [{ deno: "Deno", bun: "Bun", node: "Node" }[kind], name.slice(kind.length)].join(" ").trim();
}

function inProgram([name, peer]: [string, Peer]): Contender {
  const { file, recipe, spell = plainly, kind = "peer", notes = [], title, language, origin } = peer;
  return {
    ...{ name, title, kind, language, origin, notes },
    install: async (cache) => {
      const directory = `${cache}/${name.replace("/", "-")}`;
      await Deno.mkdir(directory, { recursive: true });
      const [source, ...makers] = [`contenders/${file}`, "contenders/toolchains.ts", "contenders.ts"]
        .map((path) => new URL(path, import.meta.url).pathname);
      const make = () => recipe(source!, directory);
      const { version, command, env = {} } = await remembered(directory, [source!, ...makers], make);
      return {
        version,
        command: (filter, address) => [
          ...command,
          filter === "end" ? "end" : "answered",
          spell(parseAddress(address)),
        ],
        env,
      };
    },
  };
}

function plainly(address: Address): string {
  return "path" in address ? address.path : `${address.host}:${address.port}`;
}

function asSendmail(address: Address): string {
  return "path" in address ? `unix:${address.path}` : `inet:${address.port}@${address.host}`;
}

function onTcpOnly(address: Address): string {
  if ("path" in address) throw new Error(`Cannot listen at ${address.path}: it takes no Unix socket`);
  return plainly(address);
}
