/** Source maps as a package may carry them: beside their scripts, with the sources in them and no one's paths. */

import { basename } from "node:path";

const INLINE = /\n?\/\/# sourceMappingURL=data:application\/json;(?:charset=utf-8;)?base64,([\w+/=]+)\s*$/;

/** A script, and its map if it has one. */
export interface MappedScript {
  readonly script: string;
  readonly map: string | undefined;
}

/**
 * Takes the inline map out of a script. The map names its one source by the file name alone, as if it lay beside
 * the script: it brings the text along, and the builder's directories are nobody's business.
 */
export function extractMap(text: string, path: string): MappedScript {
  const [comment, base64] = INLINE.exec(text) ?? [];
  if (comment === undefined || base64 === undefined) return { script: text, map: undefined };
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const map = JSON.parse(new TextDecoder().decode(bytes));
  const name = basename(path);
  const map_ = { ...map, file: name, sources: [name.replace(/\.js$/, ".ts")] };
  return {
    script: `${text.slice(0, -comment.length)}\n//# sourceMappingURL=${name}.map\n`,
    map: JSON.stringify(map_),
  };
}
