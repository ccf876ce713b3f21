/** Scripts of `miltertest`, OpenDKIM's tool for tests of milters, against our server: an MTA's side that is not ours. */

import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { accept, defineFilter, type Filter, formatAddress, quarantine, reject, serve } from "../../mod.ts";
import { assertEquals, assertMatch, test } from "../harness.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

const FILTERS: Readonly<Record<string, Filter>> = {
  async conversation(session) {
    for await (const _ of session.body);
    return accept();
  },

  async edits(session) {
    const { headers } = session;
    for await (const header of headers) {
      if (header.name === "Subject") headers.update(header, "New");
      else headers.delete(header);
    }
    headers.insert("X-First", "yes", "start");
    headers.append("X-Last", "yes");
    session.addRecipient("added@example.com");
    session.removeRecipient("one@example.com");
    session.body.replace("New\n");
    return quarantine("why not");
  },

  async refusals(session) {
    for await (const recipient of session.envelopeRecipients()) {
      if (recipient.address === "nobody@example.com") recipient.reject("550 5.1.1 Nobody");
      if (recipient.address === "later@example.com") recipient.tempfail("451 4.7.1 Later");
    }
    await session.endOfMessage();
    return reject("554 5.6.0 Not readable");
  },

  negotiation: defineFilter(
    { name: "tag", sees: ["mail", "headers"], answers: [], edits: ["headers"] },
    async (session) => {
      session.headers.append("X-Sender", (await session.envelopeFrom()).address);
      return accept();
    },
  ),

  async messages(session) {
    await session.envelopeFrom();
    const told = ["j", "i", "{auth_authen}"].map((name) => session.macros.get(name));
    session.headers.append("X-Macros", told.join(" "));
    return accept();
  },
};

/** Why there is no miltertest. */
function whyNot(): string | undefined {
  try {
    execFileSync("miltertest", ["-V"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "miltertest is not installed: see tests/mta/install.sh";
  }
}

/** Plays a script to a filter; resolves with what is said against it, and what was logged. */
async function play(
  name: string,
  filter: Filter,
): Promise<{ readonly said: string; readonly logs: string[] }> {
  const logs: string[] = [];
  await using server = await serve(filter, {
    listen: "inet:0@127.0.0.1",
    log: ({ level, message }) => level === "debug" || logs.push(message),
  });
  const args = [
    ...["-D", `socket=${formatAddress(server.address)}`, "-D", `here=${HERE}`],
    ...["-s", `${HERE}${name}.lua`],
  ];
  const said = await new Promise<string>((resolve) => {
    execFile("miltertest", args, { timeout: 20_000 }, (error, out, err) => {
      resolve(error === null ? "" : `${out}${err}` || String(error));
    });
  });
  return { said, logs };
}

const ignore = whyNot() ?? false;

for (const [name, filter] of Object.entries(FILTERS)) {
  test(`miltertest has nothing against our server in ${name}.lua`, { ignore }, async () => {
    assertEquals(await play(name, filter), { said: "", logs: [] });
  });
}

test("miltertest tells what a filter does not do", { ignore }, async () => {
  const { said } = await play("edits", async (session) => (await session.endOfMessage(), accept()));
  assertMatch(said, /a changed header: is not so/);
});
