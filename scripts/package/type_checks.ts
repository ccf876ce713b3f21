/** The package's types, as the compilers of users see them. */

import { importName, type Manifest } from "./manifest.ts";

import { type Compiler, COMPILERS, type Tools } from "./tools.ts";

/** How a user's project is compiled. */
interface Setting {
  readonly compiler: Compiler;
  readonly resolution: "nodenext" | "bundler";
  /** What knows of streams and of `AbortSignal`: the library of browsers, or the types of Node. */
  readonly platform: "dom" | "node";
}

const { oldest, last5, newest } = COMPILERS;

/** All ways with the newest, which is quick; a pair that meets all of them with the older. */
const SETTINGS: readonly Setting[] = [
  { compiler: oldest, resolution: "nodenext", platform: "node" },
  { compiler: oldest, resolution: "bundler", platform: "dom" },
  { compiler: last5, resolution: "nodenext", platform: "dom" },
  { compiler: last5, resolution: "bundler", platform: "node" },
  { compiler: newest, resolution: "nodenext", platform: "dom" },
  { compiler: newest, resolution: "nodenext", platform: "node" },
  { compiler: newest, resolution: "bundler", platform: "dom" },
  { compiler: newest, resolution: "bundler", platform: "node" },
];

/** The libraries of each platform. Without the DOM's, Node's types bring what is needed. */
const PLATFORMS = {
  dom: { lib: ["es2022", "dom", "dom.iterable", "esnext.disposable"], types: [] },
  node: { lib: ["es2022"], types: ["node"] },
} as const;

/** Compiles a program in a project, which must have the types of Node, by each setting. Returns their names. */
export async function checkTypes(manifest: Manifest, project: string, tools: Tools): Promise<string[]> {
  const names = Object.keys(manifest.exports).map((entryPoint) => importName(manifest, entryPoint));
  const everything = names.map((name, index) => `export * as _${index} from "${name}";\n`).join("");
  await Deno.writeTextFile(`${project}/everything.ts`, everything);
  await Deno.copyFile(new URL("consumer/typed.ts", import.meta.url), `${project}/typed.ts`);
  const left = [...SETTINGS];
  const passed: string[] = [];
  const compileAll = async (): Promise<void> => {
    for (let setting = left.shift(); setting !== undefined; setting = left.shift()) {
      passed.push(await compile(setting, project, tools));
    }
  };
  await Promise.all([compileAll(), compileAll()]);
  return passed.sort();
}

async function compile(setting: Setting, project: string, tools: Tools): Promise<string> {
  const { compiler, resolution, platform } = setting;
  const name = `${compiler.name} ${resolution} ${platform}`;
  const file = `${project}/tsconfig.${name.replaceAll(" ", ".")}.json`;
  const compilerOptions = {
    module: resolution === "nodenext" ? "nodenext" : "esnext",
    moduleResolution: resolution,
    target: "es2022",
    ...PLATFORMS[platform],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false, // The package's declarations are what is looked at, and not those of TypeScript.
    skipDefaultLibCheck: true,
    noEmit: true,
  };
  await Deno.writeTextFile(file, JSON.stringify({ compilerOptions, files: ["everything.ts", "typed.ts"] }));
  await tools(compiler.name, ["-p", file], project);
  return name;
}
