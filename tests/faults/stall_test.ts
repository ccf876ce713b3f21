/** Either side falls silent at each stage of a message: deadlines answer, and nobody else is disturbed. */

import {
  accept,
  type Filter,
  type LogEntry,
  MilterError,
  serve,
  type ServeOptions,
  type Verdict,
} from "../../mod.ts";
import { encodeCommand } from "../../src/protocol/mod.ts";
import { concat } from "../bytes.ts";
import { assertEquals, test } from "../harness.ts";
import { commandOf, connect as connectFrom, CONVERSATION, GREETING, MESSAGE } from "../mta_commands.ts";
import { MtaPlayer } from "../mta_player.ts";
import { arrive, STAGES } from "../session/stages.ts";
import { socketWire } from "../wires.ts";

/** A server that knows its filter's or its peer's patience, and what it logs. */
async function serveImpatiently(filter: Filter, timeouts: NonNullable<ServeOptions["timeouts"]>) {
  const logged: LogEntry[] = [];
  const server = await serve(filter, {
    listen: "inet:0@127.0.0.1",
    timeouts,
    log: (entry) => void logged.push(entry),
  });
  const connect = async () => {
    const mta = new MtaPlayer(await socketWire(server.address));
    await mta.negotiate();
    return mta;
  };
  const bad = () => logged.filter(({ level }) => level !== "debug");
  return { server, connect, bad };
}

test("Server gives up peers that stop within a packet at any stage, and serves the others meanwhile", async () => {
  const patient: Filter = async (session) => {
    await session.endOfMessage();
    return accept();
  };
  const { server, connect, bad } = await serveImpatiently(patient, { packet: 400 });
  await using _ = server;
  await using bystander = await connect();
  const said = [];
  for (const [at, line] of CONVERSATION.entries()) {
    const wire = await socketWire(server.address);
    const whole = ["negotiate", ...CONVERSATION.slice(0, at)] as const;
    const cut = encodeCommand(commandOf(line));
    wire.write(
      concat([...whole.map((line) => encodeCommand(commandOf(line))), cut.subarray(0, cut.length - 1)]),
    );
    said.push(wire);
  }
  await bystander.play(GREETING);
  while (server.connections > 1) {
    assertEquals((await bystander.play(MESSAGE)).at(-1), "endOfMessage: accept");
  }
  const codes = bad().map(({ level, error }) => [level, error instanceof MilterError && error.code]);
  assertEquals(codes, CONVERSATION.map(() => ["warning", "TIMEOUT"]));
  for (const wire of said) await wire.close();
});

/** Where the policy answers for a filter that is silent at a stage: a header alone has no answer, and all of the rest sticks. */
const ANSWERS: Readonly<Record<string, string>> = {
  connect: "connect: tempfail",
  helo: "helo: tempfail",
  mail: "mail: tempfail",
  rcpt: "data: tempfail",
  data: "data: tempfail",
  header: "endOfHeaders: tempfail",
  endOfHeaders: "endOfHeaders: tempfail",
  body: "body: tempfail",
  endOfMessage: "endOfMessage: tempfail",
};

test("Server answers by the policy for filters that are silent at any stage, and serves the others meanwhile", async () => {
  const stalls: Filter = async (session) => {
    for (const stage of STAGES) {
      await arrive(session, stage);
      if (session.connection.host === `${stage}.test`) return new Promise<Verdict>(() => {});
    }
    return accept();
  };
  const { server, connect, bad } = await serveImpatiently(stalls, { event: 400, endOfMessage: 400 });
  await using _ = server;
  await using bystander = await connect();
  let waiting = STAGES.length;
  const stalled = STAGES.map(async (stage) => {
    await using mta = await connect();
    const connects = connectFrom("192.0.2.1", `${stage}.test`);
    const answers = await mta.play(CONVERSATION.map((line) => line === "connect" ? connects : line));
    waiting--;
    return [stage, answers.at(-1)];
  });
  await bystander.play(GREETING);
  while (waiting > 0) assertEquals((await bystander.play(MESSAGE)).at(-1), "endOfMessage: accept");
  assertEquals(Object.fromEntries(await Promise.all(stalled)), ANSWERS);
  const told = bad().map(({ level, stage, error }) =>
    `${level} ${stage} ${error instanceof MilterError && error.code}`
  );
  assertEquals(told.sort(), STAGES.map((stage) => `error ${stage} TIMEOUT`).sort());
});
