import process from "node:process";
import { VERSION } from "../../version.ts";

/** How a server stands: whether MTAs can come to it now, and what else a person wants to know who asks. */
export interface Standing {
  readonly status: "starting" | "ready" | "stopping";
  readonly [fact: string]: unknown;
}

/** What a health check asks of a server. */
export interface Checked {
  /** How it stands now. */
  standing(): Standing;
  /** Its metrics, as Prometheus reads them. */
  metrics(): Promise<string>;
}

/** What is answered to a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What there is to ask for. */
const ANSWERS: Readonly<Record<string, (checked: Checked) => Answer | Promise<Answer>>> = {
  // Whoever gets an answer knows that the process lives, and that no filter blocks it.
  "/healthz": () =>
    json(200, {
      status: "alive",
      version: VERSION,
      pid: process.pid,
      uptimeSeconds: Math.round(process.uptime()),
    }),
  "/readyz": (checked) => {
    const standing = checked.standing();
    return json(standing.status === "ready" ? 200 : 503, standing);
  },
  "/metrics": async (checked) => ({
    status: 200,
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
    body: await checked.metrics(),
  }),
};

/** The paths of what there is to ask for. */
export const PATHS: readonly string[] = Object.keys(ANSWERS);

/** What is answered to a request for this, by this method. */
export async function answerTo(method: string, target: string, checked: Checked): Promise<Answer> {
  const path = target.replace(/\?.*$/s, "");
  const answer = Object.hasOwn(ANSWERS, path) ? ANSWERS[path] : undefined;
  if (answer === undefined) return json(404, { status: "not found", paths: PATHS });
  if (method !== "GET" && method !== "HEAD") {
    return json(405, { status: "method not allowed", methods: ["GET", "HEAD"] }, { allow: "GET, HEAD" });
  }
  try {
    return await answer(checked);
  } catch (error) {
    return json(500, { status: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

/** Facts for programs, laid out for people. */
function json(
  status: number,
  facts: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: `${JSON.stringify(facts, null, 2)}\n`,
  };
}
