const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes that are meant as text: as they are, or a string that goes out as UTF-8. */
export type Text = Uint8Array | string;

/** The bytes of a text. */
export function encodeText(text: Text): Uint8Array {
  return typeof text === "string" ? encoder.encode(text) : text;
}

/** Bytes as a string: UTF-8, with U+FFFD for what is none; never throws. */
export function decodeText(bytes: Uint8Array): string {
  // One call of the decoder costs as much as some thirty characters decoded here.
  if (bytes.length > 24) return decoder.decode(bytes);
  let text = "";
  for (const byte of bytes) {
    if (byte > 0x7f) return decoder.decode(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Whether a text holds an ASCII control character: a NUL, a line break, a tab and the like. */
export function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
