/** The load generator: built from loadgen.c, it plays the MTA. */

/** What it is told to do. */
export interface Load {
  readonly address: string;
  readonly connections: number;
  /** Messages on each connection. */
  readonly messages: number;
  readonly headers: number;
  /** Bytes of body. */
  readonly body: number;
  /** When it stops: after so many messages in all, or so many seconds, whichever is first. */
  readonly until: { readonly messages?: number; readonly seconds?: number };
}

/** What it tells at its end. */
export interface Told {
  readonly messages: number;
  readonly seconds: number;
  readonly per_second: number;
  readonly ms_p50: number;
  readonly ms_p99: number;
  readonly answered: number;
  readonly connections: number;
  readonly wrong: number;
  readonly errors: number;
  /** The part of the time for which it was busy itself. */
  readonly busy: number;
}

/** Compiles it into the directory; `undefined` if there is no C compiler. */
export async function buildLoadgen(directory: string): Promise<string | undefined> {
  const program = `${directory}/loadgen`;
  const source = new URL("./loadgen.c", import.meta.url).pathname;
  try {
    const cc = new Deno.Command("cc", { args: ["-O2", "-o", program, source], stderr: "inherit" });
    return (await cc.output()).success ? program : undefined;
  } catch {
    return undefined; // There is no cc.
  }
}

/** The arguments by which it is called. */
export function argumentsOf({ address, connections, messages, headers, body, until }: Load): string[] {
  return [
    ...["-a", address, "-c", `${connections}`, "-m", `${messages}`, "-H", `${headers}`, "-b", `${body}`],
    ...until.messages === undefined ? [] : ["-n", `${until.messages}`],
    ...until.seconds === undefined ? [] : ["-t", `${until.seconds}`],
  ];
}

/** Runs it to its end. Rejects, with what it complained of, if it could not do its work or an answer was wrong. */
export async function send(command: readonly string[]): Promise<Told> {
  const [program, ...args] = command;
  const { stdout, stderr } = await new Deno.Command(program!, { args, stdin: "null" }).output();
  const decoder = new TextDecoder();
  const complaint = decoder.decode(stderr).trim();
  const line = decoder.decode(stdout).trim();
  if (line === "") throw new Error(complaint || "the load generator ended without a word");
  const told: Told = JSON.parse(line);
  if (told.wrong + told.errors === 0) return told;
  throw new Error(`${told.wrong} wrong answers, ${told.errors} errors${complaint && `: ${complaint}`}`);
}

/** How many commands get an answer by a filter that answers everything. */
export function answersTo(told: Told, { headers, body }: Pick<Load, "headers" | "body">): number {
  const chunks = Math.ceil(body / 65_535);
  // The negotiation, CONNECT and HELO; MAIL, RCPT, DATA, the end of the headers, and that of the message.
  return told.connections * 3 + told.messages * (5 + headers + chunks);
}
