/** `kilter serve` as a process, with modules of a test's own. */

import { writeFile } from "node:fs/promises";
import { parseAddress } from "../../../mod.ts";
import { Child } from "../../child.ts";
import { programCommand, type TempDir, tempDir } from "../../harness.ts";
import { MtaPlayer } from "../../mta_player.ts";
import { socketWire } from "../../wires.ts";

/** The library, as a module in another directory imports it. */
export const LIBRARY: string = JSON.stringify(new URL("../../../mod.ts", import.meta.url).href);

const PROGRAM: URL = new URL("../kilter_program.ts", import.meta.url);

/** Files by their names: modules are JavaScript, so that every runtime takes them. */
export type Files = Readonly<Record<string, string>>;

/** How it is started. */
export interface ServedOptions {
  /** By default it listens on a free port. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs it, with what it is to run as further arguments. */
  readonly by?: readonly string[];
}

/** Writes the files, and serves `filter.ts` among them. Fails if it does not come to serve. */
export async function serveFiles(files: Files, options: ServedOptions = {}): Promise<Served> {
  const served = await startServing(files, options);
  try {
    if (options.args?.includes("--json")) {
      const [, addresses = ""] = await served.child.says(/"addresses":(\[.*?\])/, "out");
      served.addresses.push(...JSON.parse(addresses));
    } else {
      const [, addresses = ""] = await served.child.says(/serving .+ on (.*)\n/);
      served.addresses.push(...addresses.split(", "));
    }
    return served;
  } catch (error) {
    await served[Symbol.asyncDispose]();
    throw error;
  }
}

/** As {@linkcode serveFiles}, and does not wait until it serves. */
export async function startServing(
  files: Files,
  { args = ["--listen", "inet:0@127.0.0.1"], env = {}, by = [] }: ServedOptions = {},
): Promise<Served> {
  const directory = await tempDir();
  for (const [name, text] of Object.entries(files)) await writeFile(directory.file(name), text);
  const command = [...by, ...programCommand(PROGRAM), "serve", directory.file("filter.ts"), ...args];
  return new Served(new Child(command, { env }), directory);
}

/** A process that serves, until the block ends that it is used in. */
export class Served implements AsyncDisposable {
  readonly child: Child;
  readonly directory: TempDir;
  /** Where it listens. */
  readonly addresses: string[] = [];
  readonly #mtas: MtaPlayer[] = [];

  constructor(child: Child, directory: TempDir) {
    this.child = child;
    this.directory = directory;
  }

  /** Writes a file anew. */
  async write(name: string, text: string): Promise<void> {
    await writeFile(this.directory.file(name), text);
  }

  /** An MTA that has connected, and has negotiated. */
  async connect(address: string = this.addresses[0]!): Promise<MtaPlayer> {
    const mta = new MtaPlayer(await socketWire(parseAddress(address)));
    this.#mtas.push(mta);
    await mta.negotiate();
    return mta;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const mta of this.#mtas) await mta.wire.close();
    await this.child[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}
