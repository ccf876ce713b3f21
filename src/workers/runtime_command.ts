import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/**
 * The command that runs a program of this package in a process of its own, by the runtime that this is.
 *
 * @param given What the runtime is told instead of what it would be.
 */
export function runtimeCommand(program: string, given?: readonly string[]): string[] {
  if ("Deno" in globalThis) return [process.execPath, "run", ...given ?? denoArguments(), program];
  const usual = "Bun" in globalThis ? [] : nodeArguments();
  return [process.execPath, ...given ?? usual, fileURLToPath(program)];
}

/** Those of this process; but nobody else can have the port of its inspector. */
function nodeArguments(): string[] {
  return process.execArgv.filter((argument) => !/^--inspect/.test(argument));
}

/** What is used of Deno's API. */
declare const Deno: { readonly mainModule: string };

/**
 * Deno does not tell what it was permitted, nor where its configuration is: it looks for that from the program on,
 * and would begin at that of this package.
 */
function denoArguments(): string[] {
  const { mainModule } = Deno;
  const config = configAbove(
    mainModule.startsWith("file:") ? dirname(fileURLToPath(mainModule)) : process.cwd(),
  );
  return ["--quiet", "--allow-all", ...config === undefined ? [] : ["--config", config]];
}

function configAbove(directory: string): string | undefined {
  const found = ["deno.json", "deno.jsonc"].map((name) => join(directory, name)).find(existsSync);
  const above = dirname(directory);
  return found ?? (above === directory ? undefined : configAbove(above));
}
