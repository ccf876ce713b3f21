/** Calls of npm and other programs. */

/** Calls npm as it is installed, or else by Deno. Returns what it prints. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  try {
    return await run("npm", args, cwd);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return await run(Deno.execPath(), ["x", "-y", "npm:npm@11", ...args], cwd);
  }
}

/** Runs a program and returns what it prints. All its output is in the error if it fails. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`${command} ${args.join(" ")}\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}
