/** The traffic of the soak: mails of all kinds over connections that come and go. */

import type { Command, Text } from "../../src/protocol/mod.ts";
import { MtaPlayer } from "../mta_player.ts";
import { body, endOfMessage, header, mail, rcpt } from "../mta_commands.ts";
import { type Kind, kindOf, KINDS, RECIPIENTS } from "./kinds.ts";
import { bufferedWire } from "./wire.ts";

export interface TrafficOptions {
  readonly port: number;
  readonly messages: number;
  /** How many connections are open at once. */
  readonly connections: number;
  /** How many messages are begun in a second, at the most. */
  readonly perSecond: number;
  /** The kind of each mail, by its number; without it, all kinds are mixed. */
  readonly kind?: (number: number) => string;
  /** A message has come to its end. */
  readonly onDone: () => void;
}

/** What came of it. */
export interface Traffic {
  /** How many connections there were. */
  readonly connections: number;
  /** How many messages of each kind were sent. */
  readonly sent: Readonly<Record<string, number>>;
  /** What was not as it should be, for a person to read. */
  readonly wrong: readonly string[];
}

/** A connection carries from 1 to so many messages, unless it is cut. */
const MOST_ON_CONNECTION = 16;

/** Sends the mails, each when it is time for it, and looks at what is answered to each. */
export async function send(
  { port, messages, connections, perSecond, kind = kindOf, onDone }: TrafficOptions,
): Promise<Traffic> {
  const sent: Record<string, number> = {};
  const wrong: string[] = [];
  const began = performance.now();
  let [next, opened] = [0, 0];
  const work = async () => {
    while (next < messages) {
      const most = 1 + opened++ % MOST_ON_CONNECTION;
      const mta = new MtaPlayer(await bufferedWire({ host: "127.0.0.1", port }));
      await mta.negotiate();
      await mta.play(["connect", "helo"]);
      let cut = false;
      for (let nth = 0; nth < most && next < messages && !cut; nth++) {
        const number = next++;
        await until(began + number * 1000 / perSecond);
        const name = kind(number);
        const { ending, answers } = KINDS[name]!;
        const said = (await mta.play(mailOf(name))).filter((answer) => !answer.endsWith(": continue"));
        if (said.join() !== answers.join()) {
          wrong.push(`message ${number}, ${name}: it was answered by ${said.join(", ") || "nothing"}`);
        }
        cut = ending?.by === "reset";
        sent[name] = (sent[name] ?? 0) + 1;
        onDone();
      }
      if (!cut) await mta.play(["quit"]);
      if (cut) mta.wire.reset();
      await mta.wire.close();
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return { connections: opened, sent, wrong };
}

async function until(time: number): Promise<void> {
  const left = time - performance.now();
  if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
}

const mails = new Map<string, readonly Command<Text>[]>();

/** What is said of a mail of that kind, made once. */
function mailOf(name: string): readonly Command<Text>[] {
  const known = mails.get(name);
  if (known !== undefined) return known;
  const said = [...commandsOf(name, KINDS[name]!)];
  mails.set(name, said);
  return said;
}

/** The longest piece of a body that every MTA sends. */
const CHUNK = 65_535;

function* commandsOf(name: string, { headers, body: size, ending }: Kind): Iterable<Command<Text>> {
  // As after each message that has had its verdict: this one may follow one.
  yield { type: "abort" };
  yield mail(`<${name}@example.org>`);
  if (ending?.after === "mail") return;
  for (const recipient of RECIPIENTS) yield rcpt(recipient);
  if (ending?.after !== "rcpt") {
    yield { type: "data" };
    yield header("Subject: A mail of the soak");
    for (let at = 1; at < headers; at++) yield header(`X-${at}: a header value of an ordinary length`);
    yield { type: "endOfHeaders" };
    const piece = new Uint8Array(CHUNK).fill(0x61);
    for (let left = size; left > 0; left -= CHUNK) yield body(piece.subarray(0, Math.min(left, CHUNK)));
    if (ending?.after !== "body") yield endOfMessage();
  }
  if (ending?.by === "abort") yield { type: "abort" };
}
