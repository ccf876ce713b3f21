/** Text of headers, whoever wrote it. */

/** Whether a text holds control characters, line breaks and tabs among them. */
export function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

/** A text with spaces for its control characters, tabs aside. */
export function printable(text: string): string {
  return text.replaceAll(/(?!\t)\p{Cc}/gu, " ");
}

/** A value on one line (RFC 5322, 2.2.3). */
export function unfold(value: string): string {
  return value.replaceAll(/\r?\n(?=[ \t])/g, "");
}
