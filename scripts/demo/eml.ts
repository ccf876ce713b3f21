import type { Reply, Text } from "../../src/protocol/mod.ts";
import { decodeText } from "../../src/protocol/mod.ts";

/** A header of a mail: its name, and its value with folds as `\n`, as MTAs tell it to filters. */
export interface MailHeader {
  readonly name: string;
  readonly value: string;
}

/** A mail in a file, taken apart as an MTA takes it. */
export interface Mail {
  readonly headers: readonly MailHeader[];
  /** The body with CRLF line ends. */
  readonly body: string;
}

/** A mail from the text of an `.eml` file. */
export function parseMail(text: string): Mail {
  const [head = "", ...body] = text.replaceAll("\r\n", "\n").split("\n\n");
  return {
    headers: head.split(/\n(?![ \t])/).map((line) => {
      const colon = line.indexOf(":");
      return { name: line.slice(0, colon), value: line.slice(colon + 1) };
    }),
    body: body.join("\n\n").replaceAll("\n", "\r\n"),
  };
}

/** A mail as lines of text. */
export function printMail(mail: Mail): string[] {
  const headers = mail.headers.flatMap(({ name, value }) => `${name}:${value}`.split("\n"));
  return [...headers, "", ...mail.body.trimEnd().split("\r\n")];
}

/** The mail after a filter's edits, by the rules of Postfix. */
export function applyEdits(mail: Mail, edits: readonly Reply[]): Mail {
  const headers = [...mail.headers];
  const body: string[] = [];
  for (const edit of edits) {
    if (edit.type === "addHeader") headers.push(headerOf(edit));
    else if (edit.type === "insertHeader") headers.splice(Math.max(0, edit.index - 1), 0, headerOf(edit));
    else if (edit.type === "changeHeader") change(headers, headerOf(edit), edit.index);
    else if (edit.type === "replaceBody") body.push(decodeText(edit.chunk));
  }
  return { headers, body: body.length > 0 ? body.join("") : mail.body };
}

function change(headers: MailHeader[], header: MailHeader, index: number): void {
  const namesakes = headers.filter(({ name }) => name.toLowerCase() === header.name.toLowerCase());
  const old = namesakes[index - 1];
  if (old === undefined) headers.push(header);
  else if (header.value === "") headers.splice(headers.indexOf(old), 1);
  else headers[headers.indexOf(old)] = header;
}

function headerOf({ name, value }: { readonly name: Text; readonly value: Text }): MailHeader {
  return { name: textOf(name), value: textOf(value) };
}

function textOf(text: Text): string {
  return typeof text === "string" ? text : decodeText(text);
}
