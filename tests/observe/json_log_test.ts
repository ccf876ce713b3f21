import { type Filter, serve } from "../../mod.ts";
import { jsonLog, type JsonLogOptions, type Level } from "../../src/observe/json_log.ts";
import { assert, assertEquals, assertThrows, test } from "../harness.ts";
import { play } from "../mta_player.ts";
import { playMails } from "./mails.ts";

interface Line {
  readonly [name: string]: unknown;
}

/** What is logged of some mails. */
async function logged(options: JsonLogOptions = {}): Promise<Line[]> {
  const lines: string[] = [];
  await playMails(jsonLog({ ...options, write: (line) => void lines.push(line) }));
  assert(lines.every((line) => !line.includes("\n")));
  return lines.map((line) => JSON.parse(line));
}

test("jsonLog writes a line for each message", async () => {
  const lines = (await logged()).filter(({ event }) => event === "message");
  assertEquals(lines.map(({ from, verdict }) => [from, verdict]), [
    ["good@example.com", "accept"],
    ["odd@example.com", "quarantine"],
    ["bad@example.com", "reject"],
    ["broken@example.com", "tempfail"],
    ["gone@example.com", undefined],
  ]);
  const [good, odd, bad, broken, gone] = lines;
  assert(!Number.isNaN(Date.parse(String(good!["time"]))));
  assert(typeof good!["ms"] === "number" && typeof good!["filterMs"] === "number");
  const { time: _time, ms: _ms, filterMs: _filterMs, ...rest } = good!;
  assertEquals(rest, {
    level: "info",
    event: "message",
    queueId: "4bXyZ12345",
    client: "192.0.2.1",
    host: "client.example",
    helo: "client.example",
    from: "good@example.com",
    to: ["user@example.com"],
    refusedTo: ["no@example.com"],
    recipients: 1,
    verdict: "accept",
    filter: "judge",
    stage: "endOfMessage",
    edits: ["insertHeader X-Seen"],
    bodyBytes: 7,
  });
  assertEquals([odd!["reason"], bad!["reply"], broken!["error"]], ["odd", "550 5.7.1 Not you", "boom"]);
  assert(String(gone!["error"]).includes("the client reset it"));
});

test("jsonLog writes what went wrong, with the stack of a filter that failed", async () => {
  const [line, ...more] = (await logged()).filter(({ event }) => event === "log");
  assertEquals(more, []);
  assertEquals([line!["level"], line!["message"], line!["filter"]], [
    "error",
    "The filter failed: boom",
    "judge",
  ]);
  assertEquals([line!["stage"], line!["queueId"]], ["data", "4bXyZ12345"]);
  assert(/mails\.(ts|js)/.test(String(line!["stack"])));
});

test("jsonLog leaves addresses out if it is told to, and adds what it is told to", async () => {
  const lines = await logged({ addresses: false, fields: ({ headers }) => ({ headers }) });
  assert(!JSON.stringify(lines).includes("@example.com"));
  assertEquals(lines.find(({ event }) => event === "message")!["headers"], 1);
});

test("jsonLog writes no less than its level says", async () => {
  const count = async (level: Level) => (await logged({ level })).length;
  assertEquals([await count("debug"), await count("info"), await count("error")], [8, 6, 1]);
  assertThrows(() => jsonLog({ level: "loud" as Level }), TypeError, "level");
});

test("jsonLog takes the place of the console", async () => {
  const kept = console.error;
  const said: unknown[] = [];
  console.error = (line: unknown) => void said.push(line);
  try {
    const filter: Filter = () => Promise.reject(new Error("boom"));
    await using _ = await serve(filter, {
      listen: "inet:0@127.0.0.1",
      observer: jsonLog({ write: () => {} }),
    });
    await using mta = await play(filter, { log: undefined as never, observer: jsonLog({ write: () => {} }) });
    await mta.say("connect");
  } finally {
    console.error = kept;
  }
  assertEquals(said, []);
});
