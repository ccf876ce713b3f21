/** The files of a directory. */

/** The paths of all files below a directory, relative to it, in order. */
export async function filesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory) {
      const below = await filesBelow(`${directory}/${name}`);
      found.push(...below.map((path) => `${name}/${path}`));
    } else found.push(name);
  }
  return found.sort();
}
