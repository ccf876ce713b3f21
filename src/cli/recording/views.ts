import {
  ACTION,
  type Command,
  decodeCommand,
  decodeReply,
  decodeText,
  Macros,
  PROTOCOL,
  type Reply,
} from "../../protocol/mod.ts";
import { flagNames } from "../../protocol/flags.ts";
import { describe, describeChunk } from "../../protocol/description.ts";
import { visible, wrap } from "../layout.ts";
import type { Style, Terminal } from "../terminal.ts";
import type { Entry, Side } from "./entry.ts";

/** Something about a connection that neither side has sent. */
export interface Happening {
  readonly connection: number;
  readonly event: "opened" | "closed" | "failed";
  /** Of `"opened"` the MTA's address, of `"failed"` why. */
  readonly about?: string | undefined;
}

/** How what happens is shown. */
export interface View {
  entry(entry: Entry): void;
  happening(happening: Happening): void;
}

/** How the arrows point. */
const ARROWS: Readonly<Record<Side, string>> = { mta: ">", filter: "<" };

/** The sides by name. */
const NAMES: Readonly<Record<Side, string>> = { mta: "the MTA", filter: "the filter" };

/** The colours that tell connections apart. */
const COLOURS: readonly Style[] = ["cyan", "magenta", "yellow", "blue", "green", "white"];

/** The colours of replies that decide something. */
const REPLIES: Readonly<Record<string, Style>> = {
  accept: "green",
  reject: "red",
  tempfail: "red",
  replyCode: "red",
  discard: "red",
  quarantine: "red",
};

/** The most bytes of a value that a line shows; a recording has them all. */
const LONGEST = 300;

/** Lines for a person: `#1 05:10:00.123 > mail "<arthur@client.example>"`. */
export function lineView(terminal: Terminal): View {
  const { paint } = terminal;
  const print = (connection: number, sign: string, text: string, style?: Style) => {
    const number = `#${connection}`;
    const time = clock(new Date());
    const hang = number.length + time.length + 4;
    const [first = "", ...more] = wrap(visible(text), Math.max(terminal.columns - hang, 30));
    const head = [paint(COLOURS[(connection - 1) % COLOURS.length]!, number), paint("dim", time), sign];
    const shown = style === undefined ? first : paint(style, first);
    terminal.tell(
      [`${head.join(" ")} ${shown}`, ...more.map((line) => " ".repeat(hang) + line), ""].join("\n"),
    );
  };
  return {
    entry(entry) {
      const { text, trouble } = describeEntry(entry);
      const [type = ""] = text.split(" ", 1);
      const style = trouble ? "yellow" : entry.side === "filter" ? REPLIES[type] : undefined;
      print(entry.connection, trouble ? "!" : ARROWS[entry.side], text, style);
    },
    happening({ connection, event, about }) {
      if (event === "opened") print(connection, "=", `opened${about ? ` by ${about}` : ""}`);
      else if (event === "closed") print(connection, "=", "closed");
      else print(connection, "!", about ?? "failed", "red");
    },
  };
}

/** What an entry is, and whether it is something that the protocol does not know. */
export function describeEntry({ side, what, bytes, why }: Entry): {
  readonly text: string;
  readonly trouble: boolean;
} {
  const because = why === undefined ? "" : `; ${why}`;
  switch (what) {
    case "end":
      return { text: "closes its side", trouble: false };
    case "lost":
      return { text: `the connection to ${NAMES[side]} broke${because}`, trouble: true };
    case "raw":
      return { text: `${NAMES[side]} sends no packet: ${describeChunk(bytes)}${because}`, trouble: true };
    case "packet": {
      const message = decoded(side, bytes);
      return message instanceof Error
        ? { text: `${NAMES[side]} sends ${describeChunk(bytes)}; ${message.message}`, trouble: true }
        : { text: described(message), trouble: false };
    }
  }
}

/** What was agreed on is told by its names too. */
function described(message: Command | Reply): string {
  const text = describe(message, LONGEST);
  if (message.type !== "negotiate" || "extra" in message) return text;
  const { actions, protocol } = message;
  const names = [flagNames(ACTION, actions), flagNames(PROTOCOL, protocol)];
  return [text, ...names.filter((part) => part !== "")].join("; ");
}

/** The message in a packet, or why there is none. */
function decoded(side: Side, packet: Uint8Array) {
  try {
    return side === "mta" ? decodeCommand(packet) : decodeReply(packet);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Lines of JSON: what an entry is, and the message in it with text for bytes. */
export function jsonView(terminal: Terminal): View {
  const print = (line: object) => terminal.tell(`${JSON.stringify(line)}\n`);
  return {
    entry({ t, connection: conn, side: dir, what, bytes, why }) {
      const note = why === undefined ? {} : { note: why };
      if (what !== "packet") {
        return print({
          event: what,
          t,
          conn,
          dir,
          ...what === "raw" ? { text: decodeText(bytes) } : {},
          ...note,
        });
      }
      const message = decoded(dir, bytes);
      print(
        message instanceof Error
          ? { event: "unknown", t, conn, dir, text: decodeText(bytes), note: message.message }
          : { event: "packet", t, conn, dir, message: readable(message) },
      );
    },
    happening({ connection: conn, event, about }) {
      print({ event, conn, ...about ? { [event === "opened" ? "peer" : "note"]: about } : {} });
    },
  };
}

/** A message with text for bytes, and macros by their names. */
function readable(message: object): object {
  const fields = Object.entries(message).map(([name, value]) =>
    name === "definitions" && "stage" in message
      ? ["macros", Macros.none.define(String(message.stage), value).toObject()]
      : [name, textual(value)]
  );
  return Object.fromEntries(fields);
}

function textual(value: unknown): unknown {
  if (value instanceof Uint8Array) return decodeText(value);
  return Array.isArray(value) ? value.map(textual) : value;
}

/** The time of day, to compare with the logs of the MTA: `05:10:00.123`. */
function clock(time: Date): string {
  const part = (value: number, digits = 2) => String(value).padStart(digits, "0");
  return `${part(time.getHours())}:${part(time.getMinutes())}:${part(time.getSeconds())}.${
    part(time.getMilliseconds(), 3)
  }`;
}

/** Shows nothing. */
export const NO_VIEW: View = { entry() {}, happening() {} };
