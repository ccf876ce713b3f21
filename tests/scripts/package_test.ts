import { assertEquals, assertStringIncludes, test } from "../harness.ts";
import { binScript } from "../../scripts/package/bin.ts";
import { packageProblems } from "../../scripts/package/contents.ts";
import type { Manifest } from "../../scripts/package/manifest.ts";
import { packageJson } from "../../scripts/package/package_json.ts";
import { repositoryUrl } from "../../scripts/package/repository.ts";

const MANIFEST: Manifest = {
  name: "@kilter/milter",
  version: "1.2.3",
  license: "MIT",
  exports: { ".": "./mod.ts", "./protocol": "./src/protocol/mod.ts" },
};

const WITH_CLI: Manifest = { ...MANIFEST, exports: { ...MANIFEST.exports, "./cli": "./src/cli/mod.ts" } };

test("packageJson gives each entry point of deno.json its types and its script", () => {
  const about = packageJson(MANIFEST, { folder: "./esm/", peers: {} });
  assertEquals(about.exports, {
    ".": { types: "./esm/mod.d.ts", default: "./esm/mod.js" },
    "./protocol": { types: "./esm/src/protocol/mod.d.ts", default: "./esm/src/protocol/mod.js" },
    "./package.json": "./package.json",
  });
  assertEquals([about.name, about.version, about.license], ["@kilter/milter", "1.2.3", "MIT"]);
});

test("packageJson has a command where deno.json has the entry point ./cli, and only there", () => {
  assertEquals(packageJson(MANIFEST, { folder: "./", peers: {} }).bin, undefined);
  assertEquals(packageJson(WITH_CLI, { folder: "./", peers: {} }).bin, { kilter: "./bin/kilter.js" });
});

test("packageJson makes every peer optional", () => {
  const about = packageJson(MANIFEST, { folder: "./", peers: { libmime: "^5.6" } });
  assertEquals([about.peerDependencies, about.peerDependenciesMeta], [
    { libmime: "^5.6" },
    { libmime: { optional: true } },
  ]);
});

test("binScript is for Node, and finds the command's module from its own folder", () => {
  assertStringIncludes(binScript(WITH_CLI, "./"), `from "../src/cli/mod.js"`);
  for (const module of ["mod", "ending"]) {
    assertStringIncludes(binScript(WITH_CLI, "./esm/"), `from "../esm/src/cli/${module}.js"`);
  }
  assertEquals(binScript(WITH_CLI, "./").split("\n")[0], "#!/usr/bin/env node");
});

/** A remote of git, and what package.json says of it. */
const REMOTES: readonly (readonly [remote: string, url: string | undefined])[] = [
  ["https://git.example.org/owner/name", "git+https://git.example.org/owner/name.git"],
  ["https://git.example.org/owner/name.git", "git+https://git.example.org/owner/name.git"],
  ["https://user:secret@git.example.org/owner/name.git", "git+https://git.example.org/owner/name.git"],
  ["git@git.example.org:owner/name.git", "git+https://git.example.org/owner/name.git"],
  ["ssh://git@git.example.org/owner/name.git", "git+https://git.example.org/owner/name.git"],
  ["/srv/git/name.git", undefined],
  ["../name", undefined],
];

for (const [remote, url] of REMOTES) {
  test(`repositoryUrl tells ${url ?? "nothing"} of ${remote}`, () => {
    assertEquals(repositoryUrl(remote), url);
  });
}

/** A package in order, as the paths and texts of its files. */
function contents(manifest: Manifest): Map<string, string> {
  const about = packageJson(manifest, { folder: "./", peers: {} });
  return new Map([
    ["package.json", JSON.stringify(about)],
    ["README.md", "# Kilter\n"],
    ["LICENSE", "MIT"],
    ["CHANGELOG.md", "# Changelog\n"],
    ["mod.js", `export * from "./src/protocol/mod.js";\n`],
    ["mod.d.ts", `export * from "./src/protocol/mod.js";\n`],
    ["src/protocol/mod.js", `import { a } from "../inner.js";\nexport { a };\n`],
    ["src/protocol/mod.d.ts", `/** import { x } from "./nowhere.js" */\nexport declare const a: number;\n`],
    ["src/inner.js", "export const a = 1;\n"],
    ["src/cli/mod.js", "export const main = () => 0;\n"],
    ["src/cli/mod.d.ts", "export declare const main: () => number;\n"],
    ["bin/kilter.js", "#!/usr/bin/env node\n"],
  ]);
}

for (const manifest of [MANIFEST, WITH_CLI]) {
  test(`packageProblems finds none in a package in order, ${manifest === WITH_CLI ? "with" : "without"} a command`, () => {
    assertEquals(packageProblems(contents(manifest), manifest), []);
  });
}

/** What is done to the package, and a part of what is said about it. */
const DAMAGE:
  readonly (readonly [name: string, damage: (files: Map<string, string>) => unknown, problem: string])[] = [
    ["without a license", (files) => files.delete("LICENSE"), "LICENSE is missing"],
    [
      "without the types of an entry point",
      (files) => files.delete("mod.d.ts"),
      `the types of "." leads nowhere`,
    ],
    ["without its command", (files) => files.delete("bin/kilter.js"), "the command kilter leads nowhere"],
    ["with an import of nothing", (files) => files.delete("src/inner.js"), "there is no src/inner.js"],
    [
      "with types that have none behind them",
      (files) => files.set("mod.d.ts", `import type { A } from "./src/inner.js";\n`),
      "there is no src/inner.d.ts",
    ],
    ["with a test", (files) => files.set("src/inner_test.js", ""), "a test"],
    ["with a source", (files) => files.set("src/inner.ts", ""), "a source beside its types"],
    [
      "with a path of the builder's",
      (files) => files.set("mod.js.map", `{"sources":["file:///home/someone/mod.ts"]}`),
      "a path of the machine that built it",
    ],
    [
      "of another version",
      (files) => files.set("package.json", files.get("package.json")!.replace("1.2.3", "1.2.4")),
      `version is "1.2.4", not "1.2.3"`,
    ],
    [
      "with a dependency",
      (files) =>
        files.set("package.json", files.get("package.json")!.replace("{", `{"dependencies":{"a":"1"},`)),
      "dependencies is",
    ],
  ];

for (const [name, damage, problem] of DAMAGE) {
  test(`packageProblems tells of a package ${name}`, () => {
    const files = contents(WITH_CLI);
    damage(files);
    const problems = packageProblems(files, WITH_CLI);
    assertEquals(problems.length, 1, problems.join("\n"));
    assertStringIncludes(problems[0]!, problem);
  });
}
