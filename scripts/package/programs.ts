/** The programs of users, made by esbuild from those in consumer/, which know the package by its name. */

import { createContext, runInContext } from "node:vm";
import type { Tools } from "./tools.ts";

const CONSUMER: string = new URL("consumer", import.meta.url).pathname;

/** Files of a project, each with the program that it is, as a module or as CommonJS. The package is not in them. */
const PROGRAMS = {
  "serve_and_send.mjs": { source: "serve_and_send.ts", format: "esm" },
  "serve_and_send.cjs": { source: "serve_and_send.ts", format: "cjs" },
  "entry_points.mjs": { source: "entry_points.ts", format: "esm" },
  "start.mjs": { source: "start.ts", format: "esm" },
} as const;

/** What browsers have beside the language, as far as the protocol needs it, and the arrays that these make. */
const BROWSER = { TextDecoder, TextEncoder, Uint8Array };

/** Writes the programs into a project. */
export async function writePrograms(project: string, tools: Tools): Promise<void> {
  for (const [file, { source, format }] of Object.entries(PROGRAMS)) {
    const args = [`${CONSUMER}/${source}`, `--format=${format}`, "--platform=node", "--packages=external"];
    await bundle(args, file, project, tools);
  }
}

/** Writes a program of the project, with the library in it, for Node into another directory. */
export async function bundleForNode(project: string, directory: string, tools: Tools): Promise<string> {
  const file = `${directory}/serve_and_send.mjs`;
  await bundle(["serve_and_send.mjs", "--format=esm", "--platform=node"], file, project, tools);
  return file;
}

/**
 * Bundles the protocol for browsers, where there is no module of Node to be had, and runs it among their globals.
 *
 * @throws {Error} if it does not run.
 */
export async function runAsInBrowser(project: string, tools: Tools): Promise<void> {
  await Deno.copyFile(`${CONSUMER}/browser.ts`, `${project}/browser.ts`);
  const file = `${project}/browser.js`;
  await bundle(
    ["browser.ts", "--format=iife", "--platform=browser", "--global-name=program"],
    file,
    project,
    tools,
  );
  const context = createContext({ ...BROWSER });
  const version: unknown = runInContext(`${await Deno.readTextFile(file)}\nprogram.version`, context);
  if (version !== 6) throw new Error(`The ends of the protocol agree on version ${version}, not 6`);
}

/** How esbuild is always called. An example serves itself where it is the main program: here it never is. */
const ALWAYS: readonly string[] = ["--bundle", "--log-level=warning", "--define:import.meta.main=false"];

async function bundle(args: readonly string[], file: string, project: string, tools: Tools): Promise<void> {
  const said = await tools(
    "esbuild",
    [...args, ...ALWAYS, `--outfile=${file}`],
    project,
  );
  if (said !== "") throw new Error(`esbuild warns:\n${said}`);
}
