/** The health check by itself: what it answers, and how it takes those who are no probes. */

import type { Socket } from "node:net";
import { stat } from "node:fs/promises";
import { HealthCheck, type HealthCheckOptions } from "../../../src/cli/serve/health/health_check.ts";
import type { Checked } from "../../../src/cli/serve/health/answers.ts";
import { assertEquals, assertLess, assertMatch, assertRejects, delay, tempDir, test } from "../../harness.ts";
import { type HttpAnswer, open, request, rest, say } from "../../http.ts";

const HEALTHY: Checked = {
  standing: () => ({ status: "ready", connections: 3 }),
  metrics: () => Promise.resolve("# HELP a b\n# TYPE a gauge\na 1\n"),
};

/** A health check on a free port. */
function openCheck(checked: Partial<Checked> = {}, options?: HealthCheckOptions): Promise<HealthCheck> {
  return HealthCheck.open({ host: "127.0.0.1", port: 0 }, { ...HEALTHY, ...checked }, options);
}

/** What all answers have in common. */
function assertProper({ headers, body }: HttpAnswer): void {
  assertEquals(headers["cache-control"], "no-store");
  assertEquals(headers["connection"], "close");
  assertEquals(Number(headers["content-length"]), body.length);
  assertEquals(body.at(-1), "\n");
}

test("HealthCheck tells at /healthz that the process lives", async () => {
  await using check = await openCheck();
  const answer = await request(check.address, "/healthz");
  assertProper(answer);
  assertEquals([answer.status, answer.headers["content-type"]], [200, "application/json"]);
  assertMatch(answer.body, /^\{\n {2}"status": "alive",\n {2}"version": "[^]+\n\}\n$/);
});

for (const [status, code] of [["ready", 200], ["starting", 503], ["stopping", 503]] as const) {
  test(`HealthCheck answers ${code} at /readyz while the server is ${status}`, async () => {
    await using check = await openCheck({ standing: () => ({ status, connections: 3 }) });
    const answer = await request(check.address, "/readyz?verbose");
    assertProper(answer);
    assertEquals([answer.status, answer.body], [
      code,
      `{\n  "status": "${status}",\n  "connections": 3\n}\n`,
    ]);
  });
}

test("HealthCheck gives the metrics as their source has them now", async () => {
  let scrapes = 0;
  await using check = await openCheck({ metrics: () => Promise.resolve(`a ${++scrapes} ü\n`) });
  for (const expected of ["a 1 ü\n", "a 2 ü\n"]) {
    const { status, headers, body } = await request(check.address, "/metrics");
    assertEquals([status, headers["content-type"]], [200, "text/plain; version=0.0.4; charset=utf-8"]);
    assertEquals(new TextDecoder().decode(Uint8Array.from(body, (byte) => byte.charCodeAt(0))), expected);
  }
});

test("HealthCheck answers 500, and why, when the metrics cannot be had", async () => {
  await using check = await openCheck({ metrics: () => Promise.reject(new Error("a worker is silent")) });
  const answer = await request(check.address, "/metrics");
  assertProper(answer);
  assertEquals([answer.status, JSON.parse(answer.body)], [500, {
    status: "failed",
    message: "a worker is silent",
  }]);
  assertEquals((await request(check.address, "/healthz")).status, 200);
});

test("HealthCheck answers HEAD as GET, without a body", async () => {
  await using check = await openCheck({ standing: () => ({ status: "stopping" }) });
  for (const [path, expected] of [["/healthz", 200], ["/readyz", 503], ["/metrics", 200]] as const) {
    const { status, headers, body } = await request(check.address, path, "HEAD");
    const whole = await request(check.address, path);
    assertEquals([status, body, headers["content-type"]], [expected, "", whole.headers["content-type"]]);
    assertEquals(headers["content-length"], String(whole.body.length));
  }
});

test("HealthCheck answers 405 to other methods, and 404 with what there is to other paths", async () => {
  await using check = await openCheck();
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const answer = await request(check.address, "/readyz", method);
    assertProper(answer);
    assertEquals([answer.status, answer.headers["allow"]], [405, "GET, HEAD"]);
  }
  for (const path of ["/", "/healthz/", "/readyz2", "/constructor", "/../healthz", "//healthz"]) {
    const answer = await request(check.address, path);
    assertProper(answer);
    assertEquals([path, answer.status], [path, 404]);
    assertEquals(JSON.parse(answer.body).paths, ["/healthz", "/readyz", "/metrics"]);
  }
});

test("HealthCheck listens on a Unix socket with its permissions, and leaves no file", async () => {
  await using directory = await tempDir();
  const path = directory.file("health");
  {
    await using check = await HealthCheck.open({ path, mode: 0o600 }, HEALTHY);
    assertEquals((await stat(path)).mode & 0o777, 0o600);
    assertEquals((await request(check.address, "/readyz")).status, 200);
  }
  await assertRejects(() => stat(path));
});

test("HealthCheck says that an address is in use", async () => {
  await using directory = await tempDir();
  const path = directory.file("health");
  for (const address of [{ host: "127.0.0.1", port: 0 }, { path }]) {
    await using first = await HealthCheck.open(address, HEALTHY);
    await assertRejects(
      () => HealthCheck.open(first.address, HEALTHY),
      Error,
      "Cannot listen on ",
    );
    assertEquals((await request(first.address, "/healthz")).status, 200);
  }
});

/** What is no request that may be answered. */
const HOSTILE: Readonly<Record<string, string>> = {
  "random bytes": "\x00\xff\x80garbage\r\n\r\n",
  "the beginning of TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "a packet of a milter": "\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff",
  "a head without end": `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(100_000)}`,
  "a target without end": `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  "many fields": `GET /healthz HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(5000)}\r\n`,
  "two lengths": "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  "another version": "GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
};

for (const [what, bytes] of Object.entries(HOSTILE)) {
  test(`HealthCheck tells nothing to who sends ${what}, and goes on`, async () => {
    await using check = await openCheck({}, { lifetime: 2000 });
    const text = await say(check.address, bytes);
    assertMatch(text, /^(?:HTTP\/1\.1 4\d\d [^]*)?$/);
    assertEquals((await request(check.address, "/healthz")).status, 200);
  });
}

test("HealthCheck cuts who asks for nothing, or slowly", async () => {
  await using check = await openCheck({}, { lifetime: 300 });
  const silent = await open(check.address);
  const slow = await open(check.address);
  slow.write("GET /healthz HTTP/1.1\r\nX: ");
  const timer = setInterval(() => slow.write("x"), 20);
  assertEquals([await rest(slow), await rest(silent)], ["", ""]);
  clearInterval(timer);
});

test("HealthCheck cuts who takes its answer slowly", async () => {
  const metrics = "x".repeat(32 << 20);
  await using check = await openCheck({ metrics: () => Promise.resolve(metrics) }, { lifetime: 300 });
  const socket = await open(check.address);
  socket.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  await delay(1000); // By the same clock, and later.
  assertLess((await rest(socket)).length, metrics.length);
});

test("HealthCheck closes at once who is one too many, and takes others when there is room", async () => {
  await using check = await openCheck();
  const sockets: Socket[] = [];
  for (let at = 0; at < 64; at++) {
    const socket = await open(check.address);
    socket.write("GET /healthz HTTP/1.1\r\n");
    sockets.push(socket);
  }
  assertEquals(await say(check.address, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  for (const socket of sockets) {
    socket.write("Host: x\r\n\r\n");
    assertMatch(await rest(socket), /^HTTP\/1\.1 200 /);
  }
  assertEquals((await request(check.address, "/healthz")).status, 200);
});
