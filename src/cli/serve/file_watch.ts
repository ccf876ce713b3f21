import { stat } from "node:fs/promises";

/** How often files are looked at, in milliseconds. */
const INTERVAL = 200;

/**
 * Tells when files change, by looking at them: that works on every runtime and file system, and whichever way an
 * editor writes.
 */
export class FileWatch {
  readonly #onChange: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #files: readonly string[] = [];
  #known = "";
  #seen = "";
  #looking = false;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#timer = setInterval(() => this.#look(), INTERVAL);
  }

  /** Looks at these files from now on: whatever changes after this call is told. */
  async follow(files: readonly string[]): Promise<void> {
    const state = await stateOf(files);
    this.#files = files;
    this.#known = this.#seen = state;
  }

  /** Ends it. */
  stop(): void {
    clearInterval(this.#timer);
    this.#files = []; // A look that is under way comes to nothing.
  }

  /** A change counts when it has lasted from one look to the next: files are not always written in one go. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const files = this.#files;
    const state = await stateOf(files);
    this.#looking = false;
    if (files !== this.#files) return;
    const settled = state === this.#seen;
    this.#seen = state;
    if (!settled || state === this.#known) return;
    this.#known = state;
    this.#onChange();
  }
}

/** All that tells a file from what it was before. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = await Promise.all(
    files.map((file) =>
      stat(file).then(({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`, () => "missing")
    ),
  );
  return states.join("\n");
}
