/** Commands in a real terminal, of 80 columns: tmux. */

import { execFile, spawnSync } from "node:child_process";
import { noPerl } from "./activation.ts";
import { delay, type TempDir, tempDir } from "./harness.ts";

/** Why this machine has no such terminal, if it has none. */
export const noTmux: string = noPerl === "" && spawnSync("tmux", ["-V"]).status === 0
  ? ""
  : "tests in a real terminal: there is no tmux; see tests/mta/install.sh";

/** A terminal with a command in it, which ends with the block that it is used in. */
export class Tmux implements AsyncDisposable {
  /** Its server is one of its own, found by a socket in here. */
  readonly #directory: TempDir;

  private constructor(directory: TempDir) {
    this.#directory = directory;
  }

  /**
   * Runs a command, with colours if it likes. It ends by itself after a minute, whatever becomes of this process: an
   * alarm outlives what Perl becomes.
   */
  static async run(
    command: readonly string[],
    { rows = 24 }: { readonly rows?: number } = {},
  ): Promise<Tmux> {
    const tmux = new Tmux(await tempDir());
    const size = ["-x", "80", "-y", String(rows)];
    const kept = ["set", "-g", "remain-on-exit", "on", ";"];
    const run = ["env", "-u", "NO_COLOR", "perl", "-e", "alarm 60; exec @ARGV", ...command];
    await tmux.#do("-f", "/dev/null", ...kept, "new-session", "-d", ...size, "--", ...run);
    return tmux;
  }

  /** What stands in the terminal, without spaces at the ends of lines; `styled` with its escapes. */
  async screen({ styled = false }: { readonly styled?: boolean } = {}): Promise<string> {
    return (await this.#do("capture-pane", "-p", ...styled ? ["-e"] : [])).trimEnd();
  }

  /** Waits until something stands in the terminal; fails with what stands there if it takes too long. */
  async shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (const deadline = Date.now() + 20_000;; await delay(50)) {
      const screen = await this.screen();
      const found = pattern.exec(screen);
      if (found !== null) return found;
      if (Date.now() > deadline) throw new Error(`the terminal does not show ${pattern}:\n${screen}`);
    }
  }

  /** Types keys, by tmux's names: `"C-c"`. */
  async type(...keys: string[]): Promise<void> {
    await this.#do("send-keys", ...keys);
  }

  /** The process of the command. */
  async pid(): Promise<number> {
    return Number(await this.#do("list-panes", "-F", "#{pane_pid}"));
  }

  /** Closes the terminal, as its window's user does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#do("kill-server").catch(() => {
      // It is closed already.
    });
    await this.#directory[Symbol.asyncDispose]();
  }

  #do(...args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(
        "tmux",
        ["-S", this.#directory.file("tmux"), ...args],
        (error, out) => error === null ? resolve(out) : reject(error),
      );
    });
  }
}
