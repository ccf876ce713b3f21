import { type FileHandle, open } from "node:fs/promises";
import type { Entry } from "./entry.ts";
import { formatEntry, formatHeading, type Heading } from "./format.ts";

/** How many characters may wait to be written before whoever makes them should wait too. */
const HIGH_WATER = 1024 * 1024;

/** Writes a recording to a file, in the order in which things are told, without holding up who tells. */
export class Recorder {
  readonly #file: FileHandle;
  readonly #onFailure: (error: unknown) => void;
  #waiting: string[] = [];
  #size = 0;
  #writing: Promise<void> | undefined;
  #failed = false;

  private constructor(file: FileHandle, onFailure: (error: unknown) => void) {
    this.#file = file;
    this.#onFailure = onFailure;
  }

  /**
   * Begins a recording, in a new file that only its owner may read, since it holds people's mail; or in one that there
   * is, which loses what it held.
   *
   * @param onFailure Told once if the file can no longer be written; what comes after that is not recorded.
   */
  static async create(
    path: string,
    heading: Heading,
    onFailure: (error: unknown) => void,
  ): Promise<Recorder> {
    const file = await open(path, "w", 0o600).catch((cause) => {
      throw new Error(`Cannot record to ${path}: ${(cause as Error).message}`, { cause });
    });
    const recorder = new Recorder(file, onFailure);
    recorder.#write(formatHeading(heading));
    return recorder;
  }

  /** Notes what happened. */
  take(entry: Entry): void {
    if (!this.#failed) this.#write(formatEntry(entry));
  }

  /** Resolves when there is room again; `undefined` while there is. */
  room(): Promise<void> | undefined {
    return this.#size > HIGH_WATER ? this.#writing : undefined;
  }

  /** Writes what waits, and closes the file. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  #write(text: string): void {
    this.#waiting.push(text);
    this.#size += text.length;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const text = this.#waiting.join("");
        this.#waiting = [];
        await this.#file.appendFile(text);
        this.#size -= text.length;
      }
    } catch (error) {
      this.#failed = true;
      this.#waiting = [];
      this.#size = 0;
      this.#onFailure(error);
    }
    this.#writing = undefined;
  }
}
