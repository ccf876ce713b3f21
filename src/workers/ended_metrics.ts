import { sumMetrics } from "../observe/sum_metrics.ts";

/** What workers have counted that have ended: it stays counted. */
export class EndedMetrics {
  #text = "";

  /** One has ended whose metrics these are; empty if it kept none. */
  add(text: string): void {
    if (text !== "") this.#text = sumMetrics([], { ended: [this.#text, text].filter(Boolean) });
  }

  /** All metrics as those of one, with those of workers that are alive. */
  sumWith(texts: readonly string[]): string {
    return sumMetrics(texts.filter(Boolean), { ended: [this.#text].filter(Boolean) });
  }
}
