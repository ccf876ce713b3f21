import { renameSync } from "node:fs";
import process from "node:process";
import type { Address } from "../address.ts";

/** What a runtime has opened. */
export interface Opened {
  readonly fd: number;
  readonly port: number;
  close(): void;
}

/** Closes a listener of which a copy stays: the file of a Unix socket would go with it. */
export function keepingFile(address: Address, close: () => void): void {
  if (!("path" in address)) return close();
  const away = `${address.path}.${process.pid}`;
  renameSync(address.path, away);
  close();
  renameSync(away, address.path);
}
