/**
 * Checks that imports in `src` point one way, and that rooms without a runtime or a clock have none:
 * `deno run --allow-read --allow-env scripts/check_layers.ts [root]`. The rules stand in layers.ts.
 */

import ts from "typescript";
import { type Use, violations } from "./layers.ts";

/** The paths of all TypeScript below a directory of the root, in order. */
async function modules(root: string, directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${root}/${directory}`)) {
    if (isDirectory) found.push(...await modules(root, `${directory}/${name}`));
    else if (name.endsWith(".ts")) found.push(`${directory}/${name}`);
  }
  return found.sort();
}

/**
 * What a module imports, and the names in it that it does not declare, `async` and `await` among them. A name
 * declared anywhere in it counts as its own everywhere in it.
 */
function uses(path: string, text: string): Use[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: Use[] = [];
  const declared = new Set<string>();
  const add = (kind: Use["kind"], what: string, node: ts.Node): void => {
    found.push({ kind, what, line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1 });
  };
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) {
      if (ts.isStringLiteralLike(specifier)) add("import", specifier.text, node);
      else add("load", specifier.getText(), node);
    } else if (ts.isIdentifier(node)) {
      if (isDeclared(node)) declared.add(node.text);
      else if (isReference(node)) add("name", node.text, node);
    } else if (node.kind === ts.SyntaxKind.AsyncKeyword) {
      add("name", "async", node);
    } else if (ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AwaitKeyword) {
      add("name", "await", node);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.filter(({ kind, what }) => kind !== "name" || !declared.has(what));
}

/** The expression that names the module which this node imports, of the five ways to write that. */
function specifierOf(node: ts.Node): ts.Expression | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
    return node.moduleReference.expression;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return node.argument.literal as ts.StringLiteral;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return node.arguments[0];
  }
  return undefined;
}

/** Whether an identifier is the name of what its parent declares: a local `process` is not Node's. */
function isDeclared(node: ts.Identifier): boolean {
  const { parent } = node;
  return (ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isFunctionDeclaration(parent) ||
    ts.isClassDeclaration(parent) || ts.isInterfaceDeclaration(parent) || ts.isTypeAliasDeclaration(parent) ||
    ts.isBindingElement(parent) || ts.isImportSpecifier(parent) || ts.isImportClause(parent) ||
    ts.isNamespaceImport(parent)) && parent.name === node;
}

/** Whether an identifier stands for a value or a type, and is not the name of a member. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  return !(ts.isClassElement(parent) || ts.isTypeElement(parent) || ts.isObjectLiteralElement(parent)) ||
    parent.name !== node;
}

if (import.meta.main) {
  const root = Deno.args[0] ?? new URL("..", import.meta.url).pathname;
  const paths = ["mod.ts", ...await modules(root, "src")];
  const lines: string[] = [];
  for (const path of paths) {
    lines.push(...violations({ path, uses: uses(path, await Deno.readTextFile(`${root}/${path}`)) }));
  }
  for (const line of lines) console.error(line);
  console.log(`${paths.length} modules: ${lines.length === 0 ? "all within their layers" : "see above"}`);
  if (lines.length > 0) Deno.exit(1);
}
