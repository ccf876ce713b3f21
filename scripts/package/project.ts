/** A user's project: a directory with packages in it. */

import { npm } from "../npm.ts";

const INSTALL: readonly string[] = [
  "install",
  "--ignore-scripts",
  "--prefer-offline",
  "--no-audit",
  "--no-fund",
  "--no-package-lock",
];

/** Makes a project without anything in it. */
export async function makeProject(path: string): Promise<string> {
  await Deno.mkdir(path);
  await Deno.writeTextFile(`${path}/package.json`, `{ "private": true, "type": "module" }\n`);
  return path;
}

/** Installs packages into a project: each as `name@range`, or the path of a tarball. */
export async function install(project: string, packages: readonly string[]): Promise<void> {
  await npm([...INSTALL, ...packages], project);
}

/** The packages that a project has, by name: `["libmime", "@kilter/milter"]`. */
export async function installed(project: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(`${project}/node_modules`)) {
    if (name.startsWith(".")) continue;
    if (!name.startsWith("@")) names.push(name);
    else {for await (const below of Deno.readDir(`${project}/node_modules/${name}`)) {
        names.push(`${name}/${below.name}`);
      }}
  }
  return names;
}
