/** The mails of the soak: what is sent, what the filter does with each, and what it must answer. */

import { accept, discard, quarantine, reject, type Session, type Verdict } from "../../mod.ts";

/** One kind of mail. Its name is the local part of its sender, by which the filter knows it. */
export interface Kind {
  /** How often it comes, beside the others. */
  readonly weight: number;
  /** How many headers it has, and how many bytes of body. */
  readonly headers: number;
  readonly body: number;
  /** What the filter does with it. */
  readonly filter: (session: Session) => Promise<Verdict>;
  /** The verdict that it must reach; `"none"` where the client does not wait for one. */
  readonly verdict: Verdict["type"] | "none";
  /** What must be answered, all that is not "continue". */
  readonly answers: readonly string[];
  /** How the client breaks off, if it does not stay to the verdict. */
  readonly ending?: Ending;
}

/** The client takes the mail back and stays, or the connection is cut: each after the command that is named last. */
export interface Ending {
  readonly after: "mail" | "rcpt" | "body";
  readonly by: "abort" | "reset";
}

/** Whom all mails are for. */
export const RECIPIENTS: readonly string[] = [
  "<first@example.net>",
  "<refused@example.net>",
  "<last@example.net>",
];

const ORDINARY = { headers: 12, body: 4096 } as const;
const LONG = { headers: 12, body: 300_000 } as const;
const ACCEPTED = { verdict: "accept", answers: ["endOfMessage: accept"] } as const;
const BROKEN_OFF = { verdict: "none", answers: [] } as const;

export const KINDS: Readonly<Record<string, Kind>> = {
  small: { weight: 700, headers: 6, body: 600, filter: readAll, ...ACCEPTED },
  ordinary: { weight: 400, ...ORDINARY, filter: readAll, ...ACCEPTED },
  unread: {
    weight: 100,
    ...ORDINARY,
    filter: () => Promise.resolve(accept()),
    verdict: "accept",
    answers: ["mail: accept"],
  },
  headers: { weight: 60, headers: 200, body: 600, filter: readAll, ...ACCEPTED },
  large: { weight: 10, headers: 12, body: 1e6, filter: readAll, ...ACCEPTED },
  huge: { weight: 1, headers: 12, body: 20e6, filter: readAll, ...ACCEPTED },
  skipped: {
    weight: 40,
    ...LONG,
    async filter(session) {
      for await (const _chunk of session.body) break;
      await session.endOfMessage();
      return accept();
    },
    verdict: "accept",
    answers: ["body: skip", "endOfMessage: accept"],
  },
  collected: {
    weight: 40,
    ...LONG,
    filter: async ({ body }) => (await body.collect()).length === LONG.body ? accept() : reject(),
    ...ACCEPTED,
  },
  streamed: {
    weight: 20,
    ...LONG,
    async filter(session) {
      let size = 0;
      for await (const chunk of session.message()) size += chunk.length;
      return size > LONG.body ? accept() : reject();
    },
    ...ACCEPTED,
  },
  refused: {
    weight: 100,
    ...ORDINARY,
    filter: (session) => session.envelopeFrom().then(() => reject("550 5.7.1 None shall pass")),
    verdict: "reject",
    answers: ['mail: replyCode "550 5.7.1 None shall pass"'],
  },
  subject: {
    weight: 100,
    ...ORDINARY,
    filter: async ({ headers }) => await headers.get("Subject") === undefined ? accept() : reject(),
    verdict: "reject",
    answers: ["endOfHeaders: reject"],
  },
  recipient: {
    weight: 60,
    ...ORDINARY,
    async filter(session) {
      for await (const recipient of session.envelopeRecipients()) {
        if (recipient.address.startsWith("refused")) recipient.reject();
      }
      return await readAll(session);
    },
    verdict: "accept",
    answers: ["rcpt: reject", "endOfMessage: accept"],
  },
  edited: {
    weight: 120,
    ...ORDINARY,
    async filter(session) {
      const { headers } = session;
      const subject = await headers.get("Subject");
      if (subject !== undefined) headers.update(subject, `[soak] ${subject.value}`);
      for await (const header of headers.named("X-1", "X-3")) headers.delete(header);
      headers.append("X-Soaked", "yes");
      session.addRecipient("archive@example.net");
      session.removeRecipient("last@example.net");
      return accept();
    },
    verdict: "accept",
    answers: [
      "body: skip",
      'endOfMessage: addRecipient "<archive@example.net>"',
      'endOfMessage: removeRecipient "<last@example.net>"',
      'endOfMessage: changeHeader 1 "X-3" ""',
      'endOfMessage: changeHeader 1 "X-1" ""',
      'endOfMessage: changeHeader 1 "Subject" " [soak] A mail of the soak"',
      'endOfMessage: insertHeader 2147483647 "X-Soaked" " yes"',
      "endOfMessage: accept",
    ],
  },
  replaced: {
    weight: 40,
    ...ORDINARY,
    async filter(session) {
      await session.endOfMessage();
      session.body.replace("A new body\r\n");
      return accept();
    },
    verdict: "accept",
    answers: ["body: skip", 'endOfMessage: replaceBody "A new body\\r\\n"', "endOfMessage: accept"],
  },
  discarded: {
    weight: 40,
    ...ORDINARY,
    filter: afterHeaders(discard),
    verdict: "discard",
    answers: ["endOfHeaders: discard"],
  },
  quarantined: {
    weight: 40,
    ...ORDINARY,
    filter: afterHeaders(() => quarantine("to be looked at")),
    verdict: "quarantine",
    answers: ["body: skip", 'endOfMessage: quarantine "to be looked at"', "endOfMessage: accept"],
  },
  failing: {
    weight: 40,
    ...ORDINARY,
    filter: afterHeaders(() => {
      throw new Error("a filter that fails");
    }),
    verdict: "tempfail",
    answers: ["endOfHeaders: tempfail"],
  },
  taken: { weight: 40, ...ORDINARY, filter: readAll, ...BROKEN_OFF, ending: { after: "rcpt", by: "abort" } },
  taken_late: { weight: 20, ...LONG, filter: readAll, ...BROKEN_OFF, ending: { after: "body", by: "abort" } },
  lost: { weight: 20, ...ORDINARY, filter: readAll, ...BROKEN_OFF, ending: { after: "mail", by: "reset" } },
  lost_late: {
    weight: 20,
    ...LONG,
    filter: ({ body }) => body.collect().then(() => accept()),
    ...BROKEN_OFF,
    ending: { after: "body", by: "reset" },
  },
};

/** Looks at everything. */
async function readAll(session: Session): Promise<Verdict> {
  await session.helo();
  await session.envelopeFrom();
  for await (const _recipient of session.envelopeRecipients());
  for await (const _header of session.headers);
  for await (const _chunk of session.body);
  await session.endOfMessage();
  return accept();
}

function afterHeaders(verdict: () => Verdict): Kind["filter"] {
  return async ({ headers }) => {
    await headers.collect();
    return verdict();
  };
}

/** The names of kinds, each as often as its weight says. */
const SEQUENCE: readonly string[] = Object.entries(KINDS).flatMap(([name, { weight }]) =>
  Array<string>(weight).fill(name)
);

/** A step that has no factor in common with their number goes through all of them, and mixes them. */
const STEP = 1237;

/** The kind of each mail, by its number: the mixture is always the same. */
export function kindOf(number: number): string {
  return SEQUENCE[(number * STEP) % SEQUENCE.length]!;
}
