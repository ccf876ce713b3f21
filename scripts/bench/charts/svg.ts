/** SVG as text: elements, and the page that holds them, in light and dark. */

/** An element that is written out. */
export type Svg = string;

/** The colours of both modes, by the names that charts give them. */
const COLOURS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  paper: ["#ffffff", "#0d1117"],
  ink: ["#1f2328", "#e6edf3"],
  pale: ["#59636e", "#9198a1"],
  grid: ["#d8dee4", "#2f353d"],
  ours: ["#0969da", "#58a6ff"],
  peer: ["#c2740a", "#e3a03c"],
  bare: ["#8c959f", "#6e7681"],
  bun: ["#bf3989", "#f778ba"],
  deno: ["#0969da", "#58a6ff"],
  node: ["#1a7f37", "#4ac26b"],
  old: ["#0a7a83", "#39c5cf"],
};

/** The name of a colour. */
export type Colour =
  | "paper"
  | "ink"
  | "pale"
  | "grid"
  | "ours"
  | "peer"
  | "bare"
  | "bun"
  | "deno"
  | "node"
  | "old";

/** An element: its attributes, and what is in it. Numbers are written with a digit after the point. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...content: readonly Svg[]
): Svg {
  const written = Object.entries(attributes).map(([key, value]) =>
    ` ${key}="${escape(typeof value === "number" ? `${Math.round(value * 10) / 10}` : value)}"`
  ).join("");
  return content.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${content.join("")}</${name}>`;
}

/** How a text stands. */
export interface TextStyle {
  readonly colour?: Colour;
  readonly size?: number;
  readonly bold?: boolean;
  /** Which end of it is at the place. Default: `"start"`. */
  readonly anchor?: "start" | "middle" | "end";
}

/** A line of text, by the place of its baseline. */
export function text(x: number, y: number, words: string, style: TextStyle = {}): Svg {
  const { colour = "ink", size = 12, bold = false, anchor = "start" } = style;
  const weight: Record<string, string> = bold ? { "font-weight": "600" } : {};
  return element(
    "text",
    { x, y, class: `f-${colour}`, "font-size": size, "text-anchor": anchor, ...weight },
    escape(words),
  );
}

/** A straight line. */
export function line(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  colour: Colour,
  width = 1,
): Svg {
  return element("line", { x1, y1, x2, y2, class: `s-${colour}`, "stroke-width": width });
}

/** What a page shows: for who sees it, and for who has it read aloud. */
export interface Page {
  readonly title: string;
  readonly about: string;
  readonly width: number;
  readonly height: number;
}

/** A whole file. It follows the mode that the reader has chosen. */
export function page({ title, about, width, height }: Page, content: readonly Svg[]): string {
  const rules = (mode: 0 | 1) =>
    Object.entries(COLOURS).map(([name, both]) =>
      `.f-${name}{fill:${both[mode]}}.s-${name}{stroke:${both[mode]}}`
    )
      .join("");
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${height}`,
      ...{ width, height, role: "img", "aria-labelledby": "title about" },
      "font-family": "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif",
    },
    element("title", { id: "title" }, escape(title)),
    element("desc", { id: "about" }, escape(about)),
    `<style>${rules(0)}@media (prefers-color-scheme: dark){${rules(1)}}</style>`,
    element("rect", { width, height, class: "f-paper" }),
    text(24, 34, title, { size: 17, bold: true }),
    text(24, 54, about, { colour: "pale" }),
    ...content,
  ) + "\n";
}

function escape(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
