import process from "node:process";

/**
 * Has the process go on though nobody reads what it prints, because a pipe was closed or the terminal has gone: mail is
 * worth more than its log. For good, because a failure may be told long after what was printed.
 */
export function outliveReaders(): void {
  for (const output of [process.stdout, process.stderr]) {
    if (!output.listeners("error").includes(ignore)) output.on("error", ignore);
  }
}

function ignore(): void {
  // There is nobody to be told.
}
