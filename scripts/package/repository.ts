/** Where the sources are kept: npm ties what it says of a package's origin to it. */

import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

/** The repository of the project at `root`, for package.json; `undefined` if it is kept on this machine only. */
export async function findRepository(root: string): Promise<string | undefined> {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
  if (server && name) return repositoryUrl(`${server}/${name}`);
  try {
    const { stdout } = await promisify(execFile)("git", ["remote", "get-url", "origin"], { cwd: root });
    return repositoryUrl(stdout.trim());
  } catch {
    return undefined; // There is no git, no repository or no `origin`.
  }
}

/**
 * A remote of git as package.json has it: `git@host:owner/name.git` is `git+https://host/owner/name.git`. None for
 * a path.
 */
export function repositoryUrl(remote: string): string | undefined {
  const match = /^(?:https:\/\/|ssh:\/\/|git@)(?:[^/@]+@)?([^/:@]+\.[^/:@]+)[/:](.+?)(?:\.git)?\/?$/.exec(
    remote,
  );
  return match === null ? undefined : `git+https://${match[1]}/${match[2]}.git`;
}
