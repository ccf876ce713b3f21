/** The runtimes that Kilter is tested on, and where each is to be found on this machine. */

/** One runtime, in one version. */
export interface Runtime {
  /** How it is asked for: `--runtime node20`. */
  readonly name: string;
  readonly kind: "deno" | "bun" | "node";
  /** What its version number starts with. */
  readonly version: string;
  /** The npm package that brings it, and runs it by the name of its kind. */
  readonly npm: string;
  /**
   * How many of our files' words it knows: `"typescript"` runs them as they are; `"es2022"` knows neither
   * types nor `await using`, and gets them lowered.
   */
  readonly reads: "typescript" | "es2022";
}

/** npm's `node` installs itself by a script, and where that may not run it silently is the system's Node. */
const NODE: string = Deno.build.os === "linux"
  ? `node-linux-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`
  : "node";

/** All of them. Deno is the one that runs the scripts. */
export const RUNTIMES: readonly Runtime[] = [
  { name: "deno", kind: "deno", version: "2.", npm: "deno@2.9", reads: "typescript" },
  { name: "bun", kind: "bun", version: "1.4.", npm: "bun@1.4", reads: "typescript" },
  { name: "node20", kind: "node", version: "20.", npm: `${NODE}@20`, reads: "es2022" },
  { name: "node22", kind: "node", version: "22.", npm: `${NODE}@22`, reads: "es2022" },
  { name: "node24", kind: "node", version: "24.", npm: `${NODE}@24`, reads: "typescript" },
];

/** A runtime's program on this machine. */
export interface Program {
  readonly path: string;
  readonly version: string;
}

/**
 * Finds a runtime: on the `PATH` if its version is the right one, or else from npm, by `npx` or by Deno
 * itself. `undefined` if it cannot be had.
 */
export async function locate({ kind, version, npm }: Runtime): Promise<Program | undefined> {
  const ways: readonly (readonly string[])[] = kind === "deno" ? [[Deno.execPath()]] : [
    [kind],
    ["npx", "--yes", "-p", npm, kind],
    [Deno.execPath(), "x", "-y", `npm:${npm}`],
  ];
  for (const way of ways) {
    const program = await ask(way, kind);
    if (program?.version.startsWith(version)) return program;
  }
  return undefined;
}

/** Asks the program behind a command who it is, so that later calls can go straight to it. */
async function ask(
  [command, ...args]: readonly string[],
  kind: Runtime["kind"],
): Promise<Program | undefined> {
  const code = kind === "deno"
    ? "console.log(JSON.stringify({ path: Deno.execPath(), version: Deno.version.deno }))"
    : `console.log(JSON.stringify({ path: process.execPath, version: process.versions.${kind} }))`;
  const evaluate = kind === "deno" ? "eval" : "-e";
  try {
    const { success, stdout } = await new Deno.Command(command!, {
      args: [...args, evaluate, code],
      stderr: "null",
    }).output();
    return success ? JSON.parse(new TextDecoder().decode(stdout)) : undefined;
  } catch {
    return undefined; // There is no such command, or it is something else of that name.
  }
}
