import { type Address, parseAddress } from "../adapters/address.ts";
import { UsageError } from "./arguments.ts";

/**
 * The address that an option or an operand was given: `--to`, `address`.
 *
 * @throws {UsageError} if it was not given, or is none.
 */
export function addressIn(name: string, text: string | undefined): Address {
  if (text === undefined) throw new UsageError(`${name} is missing`);
  try {
    return parseAddress(text);
  } catch (error) {
    throw new UsageError(`${name}: ${(error as Error).message}`);
  }
}

/**
 * An address with the permissions that its socket file is to have, if it has one.
 *
 * @throws {UsageError} if they are none.
 */
export function withMode<Any extends object>(address: Any, mode: string | undefined): Any {
  if (mode === undefined) return address;
  if (!/^0?[0-7]{3}$/.test(mode)) {
    throw new UsageError(`--mode must be three octal digits, such as 660, not "${mode}"`);
  }
  return "path" in address ? { ...address, mode: parseInt(mode, 8) } : address;
}
