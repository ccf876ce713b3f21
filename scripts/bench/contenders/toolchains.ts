/** How the programs of this folder are built, with what the registries' ordinary clients bring. */

/** A program that serves filters: two more arguments are a filter and an address. */
export interface Made {
  /** Of the library, and of what it was built with or runs on. */
  readonly version: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes the program of a source file, in a directory of its own; finds there what it has made before. */
export type Recipe = (source: string, directory: string) => Promise<Made>;

/** A file in C that needs nothing. */
export const plainC: Recipe = async (source, directory) => {
  const program = `${directory}/program`;
  await run(["cc", "-O2", "-o", program, source], directory);
  return { version: await compiler(), command: [program] };
};

/** A file in C over libmilter. */
export const onLibmilter: Recipe = async (source, directory) => {
  const program = `${directory}/program`;
  const { version, include, library, env } = await libmilter(directory);
  await run(["cc", "-O2", ...include, "-o", program, source, ...library, "-lmilter", "-lpthread"], directory);
  return { version: `${version}, ${await compiler()}`, command: [program], env };
};

/** A file in Go over a module. */
export function goModule(module: string, version: string): Recipe {
  return async (source, directory) => {
    const program = `${directory}/program`;
    const env = { GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod" };
    await Deno.remove(`${directory}/go.mod`).catch(() => {
      // It is made for the first time.
    });
    await run(["go", "mod", "init", "bench"], directory, env);
    await run(["go", "get", `${module}@v${version}`], directory, env);
    await run(["go", "build", "-o", program, source], directory, env);
    return { version: `${version}, ${await run(["go", "env", "GOVERSION"], directory)}`, command: [program] };
  };
}

/** A file in Rust over a crate, and features of the runtime that it takes. */
export function crate(name: string, version: string, tokio: readonly string[]): Recipe {
  return async (source, directory) => {
    const manifest = [
      ...["[package]", 'name = "bench"', 'edition = "2021"'],
      ...["[[bin]]", 'name = "program"', `path = "${source}"`],
      ...["[dependencies]", `${name} = "=${version}"`],
      `tokio = { version = "1", features = ${JSON.stringify(tokio)} }`,
    ].join("\n");
    await Deno.writeTextFile(`${directory}/Cargo.toml`, manifest);
    await run(["cargo", "build", "--release", "--quiet", "--target-dir", "target"], directory);
    const [, rustc = ""] = (await run(["rustc", "--version"], directory)).split(" ");
    return { version: `${version}, Rust ${rustc}`, command: [`${directory}/target/release/program`] };
  };
}

/** A file in Python over a package of PyPI, in an environment of its own. */
export function pythonPackage(name: string, version: string, over?: "libmilter"): Recipe {
  return async (source, directory) => {
    const python = `${directory}/bin/python`;
    await run(["python3", "-m", "venv", directory], directory);
    const { include, library, env } = over === undefined ? NOTHING : await libmilter(directory);
    const install = ["pip", "install", "--quiet", "--retries", "1", `${name}==${version}`];
    await run([python, "-m", ...install], directory, {
      CFLAGS: include.join(" "),
      LDFLAGS: library.join(" "),
    });
    return {
      version: `${version}, ${await run([python, "--version"], directory)}`,
      command: [python, source],
      env,
    };
  };
}

/** A C library, as the compiler is to be told of it. */
interface Library {
  readonly version: string;
  readonly include: readonly string[];
  readonly library: readonly string[];
  /** By which programs find it. */
  readonly env: Readonly<Record<string, string>>;
}

const NOTHING: Library = { version: "", include: [], library: [], env: {} };

/** Debian's libmilter: the system's if it is installed, or else unpacked below the directory. */
async function libmilter(directory: string): Promise<Library> {
  const query = ["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}${Version}", "libmilter-dev"];
  const installed = await run(query, directory).catch(() => "");
  const [, ofSystem] = installed.match(/^ii\s*(.+)$/) ?? [];
  if (ofSystem !== undefined) return { ...NOTHING, version: ofSystem };

  const root = `${directory}/debian`;
  await Deno.mkdir(root, { recursive: true });
  await run(["apt-get", "download", "libmilter-dev", "libmilter1.0.1"], root);
  let version = "";
  for await (const { name } of Deno.readDir(root)) {
    if (!name.endsWith(".deb")) continue;
    await run(["dpkg-deb", "--extract", name, "."], root);
    version = await run(["dpkg-deb", "--field", name, "Version"], root);
  }
  const libraries = `${root}/usr/lib/${await run(["cc", "-print-multiarch"], root)}`;
  return {
    version,
    include: [`-I${root}/usr/include`],
    library: [`-L${libraries}`],
    env: { LD_LIBRARY_PATH: libraries },
  };
}

async function compiler(): Promise<string> {
  const [first = ""] = (await run(["cc", "--version"], ".")).split("\n");
  return first;
}

/** Runs a command to its end, and gives what it prints. */
async function run(
  [program, ...args]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  try {
    const command = new Deno.Command(program!, { args, cwd, env, stdin: "null" });
    const { success, stdout, stderr } = await command.output();
    if (success) return text(stdout);
    const lastLines = (text(stderr) || text(stdout)).split("\n").slice(-3).join(" ");
    throw new Error(`Cannot install: ${[program, ...args].join(" ")}: ${lastLines}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`Cannot install: there is no ${program}`);
    throw error;
  }
}
