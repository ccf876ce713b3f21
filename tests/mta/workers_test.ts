/** Workers that are killed while mails flow through a real MTA: no mail is lost, and none passes unfiltered. */

import { assertEquals, delay, test } from "../harness.ts";
import { signalAll } from "../processes.ts";
import { LIBRARY, TestCrew } from "../workers/crew.ts";
import { messageOf, sendMail } from "./mail.ts";
import { type MtaName, startMta, whyNot } from "./mta.ts";
import { headersOf, subjectOf } from "./smtp_sink.ts";

/** How many clients send at once, how many mails each, and how many workers die meanwhile. */
const CLIENTS = 4;
const MAILS = 12;
const DEATHS = 6;

/** Takes its time for each mail, so that it dies within some, and leaves a mark in those that it accepts. */
const MARKING = `
import { accept } from ${LIBRARY};
export default async (session) => {
  await session.endOfMessage();
  session.headers.append("X-Marked", "yes");
  await new Promise((resolve) => setTimeout(resolve, 40));
  return accept();
};
`;

for (const name of ["postfix", "sendmail"] as const) {
  const missing = whyNot(name);
  test(
    `${name}: mails in workers that are killed are refused for now, all others are filtered and delivered`,
    {
      timeout: 120_000,
      ignore: missing !== undefined && `tests with a real ${name}: ${missing}; see tests/mta/install.sh`,
    },
    () => killWorkers(name),
  );
}

async function killWorkers(name: MtaName): Promise<void> {
  await using mta = await startMta(name, { mainCf: { milter_default_action: "tempfail" } });
  await using crew = await TestCrew.start(MARKING, { listen: mta.milter });
  const taken: string[] = [];
  const refused: string[] = [];
  const send = async (subject: string) => {
    const mail = { message: messageOf(subject), to: ["<one@example.test>"] };
    // Sendmail says 421 where its filter is gone, and closes the connection.
    const outcome = await sendMail(mta, mail).catch(() => undefined);
    const replies = outcome === undefined ? ["421"] : Object.values(outcome.refused);
    assertEquals(replies.filter((reply) => reply?.startsWith("4") !== true), []);
    (replies.length === 0 ? taken : refused).push(subject);
  };
  const client = async (number: number) => {
    for (let mail = 0; mail < MAILS; mail++) await send(`${number}-${mail}`);
  };
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  for (let death = 1; death <= DEATHS; death++) {
    await delay(150);
    // Whoever serves: while nobody does, connections wait.
    const next = death % Math.max(crew.pids.length, 1);
    signalAll(crew.pids.slice(next, next + 1), "SIGKILL");
  }
  await clients;
  await crew.sees("died", 2);
  await send("afterwards");
  assertEquals(taken.at(-1), "afterwards");

  assertEquals(taken.length + refused.length, CLIENTS * MAILS + 1);
  for (const subject of taken) await mta.delivery(subject);
  const mails = mta.delivered();
  assertEquals(mails.map((mail) => subjectOf(mail)).sort(), [...taken].sort());
  for (const mail of mails) {
    assertEquals(headersOf(mail).filter(([name]) => name === "X-Marked").length, 1, subjectOf(mail));
  }
}
