import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";
import {
  assertEquals,
  assertMatch,
  assertStringIncludes,
  runtime,
  type TempDir,
  tempDir,
  test,
} from "../harness.ts";
import { date, sections } from "../../scripts/release/changelog.ts";
import { type Facts, releaseProblems } from "../../scripts/release/facts.ts";
import { compareVersions, isVersion } from "../../scripts/release/version.ts";

const CHANGELOG = `# Changelog

What a user can notice.

## 0.2.0 (not released)

- New things.

## 0.1.0 (2026-01-31)

- Old things.
`;

test("compareVersions orders versions as Semantic Versioning does", () => {
  const ordered = [
    ...["0.1.0", "0.1.9", "0.1.10", "0.2.0", "1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta"],
    ...["1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "10.0.0"],
  ];
  for (const [index, version] of ordered.entries()) {
    for (const [other, against] of ordered.entries()) {
      assertEquals(
        Math.sign(compareVersions(version, against)),
        Math.sign(index - other),
        `${version} ${against}`,
      );
    }
  }
});

for (const text of ["", "1", "1.2", "v1.2.3", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3 ", "latest"]) {
  test(`isVersion refuses "${text}"`, () => assertEquals(isVersion(text), false));
}

test("sections takes a changelog apart, newest first", () => {
  assertEquals(sections(CHANGELOG), [
    { version: "0.2.0", note: "(not released)", text: "- New things." },
    { version: "0.1.0", note: "(2026-01-31)", text: "- Old things." },
  ]);
});

test("date sets the day of the version that was not released, and of no other", () => {
  const dated = date(CHANGELOG, "0.2.0", "2026-02-28");
  assertEquals(sections(dated).map(({ note }) => note), ["(2026-02-28)", "(2026-01-31)"]);
  assertEquals(date(dated, "0.1.0", "2026-03-31"), dated);
});

const READY: Facts = {
  version: "0.2.0",
  current: "0.1.0",
  changelog: CHANGELOG,
  changes: [],
  tags: ["v0.1.0", "x"],
};

test("releaseProblems finds none where all is ready, also when deno.json has the version already", () => {
  assertEquals(releaseProblems(READY), []);
  assertEquals(releaseProblems({ ...READY, current: "0.2.0" }), []);
});

/** What is not ready, and the line that says so. */
const NOT_READY: readonly (readonly [change: Partial<Facts>, problem: string])[] = [
  [{ version: "two" }, `"two" is no version: it must be like 1.2.3 or 1.2.3-rc.1`],
  [{ changes: ["?? notes"] }, "the tree is not clean: ?? notes"],
  [{ tags: ["v0.2.0"] }, "the tag v0.2.0 is there already"],
  [{ tags: ["v0.3.0"] }, "0.2.0 comes before 0.3.0, which is there already"],
  [{ current: "0.2.1" }, "0.2.0 comes before 0.2.1, which is there already"],
  [{ version: "0.3.0" }, "CHANGELOG.md starts with 0.2.0, not with 0.3.0"],
  [{ changelog: "# Changelog\n" }, "CHANGELOG.md starts with no version, not with 0.2.0"],
  [{ changelog: CHANGELOG.replace("- New things.", "") }, "CHANGELOG.md says nothing about 0.2.0"],
];

for (const [change, problem] of NOT_READY) {
  test(`releaseProblems says: ${problem}`, () => {
    assertEquals(releaseProblems({ ...READY, ...change }), [problem]);
  });
}

// The script itself is a program of Deno.
if (runtime === "deno") {
  const script = new URL("../../scripts/release.ts", import.meta.url).pathname;
  const execute = promisify(execFile);

  /** A project with a command, under git; its `ok` passes unless there is a file `broken`. */
  const FILES: Readonly<Record<string, string>> = {
    "deno.json": JSON.stringify(
      {
        name: "@kilter/example",
        version: "0.1.0",
        license: "MIT",
        exports: { ".": "./mod.ts", "./cli": "./src/cli/mod.ts" },
        tasks: { ok: "test ! -e broken" },
        lock: false,
      },
      null,
      2,
    ),
    "mod.ts": "/** A number. */\nexport const one: number = 1;\n",
    "src/cli/mod.ts": `import { one } from "../../mod.ts";
import "./ending.ts";
import { VERSION } from "./version.ts";

/** Says what it was asked, and leaves a timer behind. */
export function main(args: readonly string[]): Promise<number> {
  setInterval(() => {}, 1000);
  console.log("kilter", VERSION, ...args);
  return Promise.resolve(one);
}
`,
    "src/cli/ending.ts": `import process from "node:process";

/** Ends the process, whatever it has left behind. */
export function endProcess(code: number): void {
  process.exit(code);
}
`,
    "src/cli/version.ts": `/** The version. */\nexport const VERSION = "0.1.0";\n`,
    "README.md": "# Example\n",
    "LICENSE": "MIT\n",
    "CHANGELOG.md": CHANGELOG,
    ".gitignore": "/npm/\n*.tgz\n",
  };

  const git = async (project: TempDir, ...args: string[]): Promise<string> =>
    (await execute("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], {
      cwd: project.path,
    })).stdout;

  const makeProject = async (): Promise<TempDir> => {
    const project = await tempDir();
    await mkdir(project.file("src/cli"), { recursive: true });
    for (const [path, text] of Object.entries(FILES)) await writeFile(project.file(path), text);
    await git(project, "init", "--quiet", "--initial-branch=main");
    await git(project, "config", "user.name", "t");
    await git(project, "config", "user.email", "t@example.com");
    await git(project, "add", ".");
    await git(project, "commit", "--quiet", "--message", "first");
    return project;
  };

  const release = async (project: TempDir, ...args: string[]): Promise<{ code: number; said: string }> =>
    await new Promise((resolve) => {
      const command = ["run", "-A", "--no-check", script, ...args];
      execFile(process.execPath, command, { cwd: project.path }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : 1, said: stdout + stderr });
      });
    });

  test("release sets the version, builds a package with a command, and tags; it publishes nothing", {
    timeout: 120_000,
  }, async () => {
    await using project = await makeProject();
    await using origin = await tempDir();
    await git(project, "clone", "--quiet", "--bare", ".", origin.file("origin.git"));
    await git(project, "remote", "add", "origin", origin.file("origin.git"));

    const { code, said } = await release(project, "0.2.0");
    assertEquals(code, 0, said);
    assertEquals(await git(project, "tag", "--list"), "v0.2.0\n");
    assertEquals(await git(project, "status", "--porcelain"), "");
    assertEquals(
      await git(project, "show", "v0.2.0:deno.json"),
      FILES["deno.json"]!.replace("0.1.0", "0.2.0"),
    );
    assertMatch(await git(project, "show", "v0.2.0:CHANGELOG.md"), /^## 0\.2\.0 \(\d{4}-\d\d-\d\d\)$/m);
    assertMatch(await git(project, "show", "v0.2.0:src/cli/version.ts"), /VERSION = "0\.2\.0";/);
    assertEquals(await git(project, "ls-remote", "--tags", "origin"), "");

    const about = JSON.parse(await readFile(project.file("npm/package.json"), "utf8"));
    assertEquals([about.version, about.bin], ["0.2.0", { kilter: "./bin/kilter.js" }]);
    const ran = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
      execFile(
        process.execPath,
        ["run", "-A", project.file("npm/bin/kilter.js"), "--help"],
        (error, stdout) => {
          resolve({ code: error?.code, stdout });
        },
      );
    });
    assertEquals(ran, { code: 1, stdout: "kilter 0.2.0 --help\n" });

    const again = await release(project, "0.2.0");
    assertEquals(again.code, 1);
    assertStringIncludes(again.said, "the tag v0.2.0 is there already");
  });

  test("release --publish pushes the commit and the tag", { timeout: 120_000 }, async () => {
    await using project = await makeProject();
    await using origin = await tempDir();
    await git(project, "clone", "--quiet", "--bare", ".", origin.file("origin.git"));
    await git(project, "remote", "add", "origin", origin.file("origin.git"));

    const { code, said } = await release(project, "--publish", "0.2.0");
    assertEquals(code, 0, said);
    assertStringIncludes(await git(project, "ls-remote", "origin"), "refs/tags/v0.2.0");
    assertEquals(await git(project, "rev-parse", "origin/main"), await git(project, "rev-parse", "HEAD"));
  });

  test("release leaves all as it was if a check fails", { timeout: 120_000 }, async () => {
    await using project = await makeProject();
    await writeFile(project.file("broken"), "");
    await git(project, "add", ".");
    await git(project, "commit", "--quiet", "--message", "broken");

    const { code, said } = await release(project, "0.2.0");
    assertEquals(code, 1);
    assertStringIncludes(said, `Cannot release 0.2.0: "deno task ok" failed`);
    assertEquals([await git(project, "status", "--porcelain"), await git(project, "tag", "--list")], [
      "",
      "",
    ]);
  });

  test(
    "release refuses a tree that is not clean, before it does anything",
    { timeout: 120_000 },
    async () => {
      await using project = await makeProject();
      await writeFile(project.file("notes"), "");
      const { code, said } = await release(project, "0.2.0");
      assertEquals(code, 1);
      assertStringIncludes(said, "the tree is not clean: ?? notes");
      assertEquals(await git(project, "status", "--porcelain"), "?? notes\n");
    },
  );
}
