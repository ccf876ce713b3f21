/** Calls of npm and other programs. */

/** Calls npm as it is installed, or else by Deno. */
export async function npm(args: readonly string[], cwd: string): Promise<void> {
  try {
    await run("npm", args, cwd);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await run(Deno.execPath(), ["x", "-y", "npm:npm@11", ...args], cwd);
  }
}

/** Runs a program. Its output is in the error if it fails. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd }).output();
  if (success) return;
  const decoder = new TextDecoder();
  throw new Error(`${command} ${args.join(" ")}\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}
