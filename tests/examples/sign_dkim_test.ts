/** The example that signs, with an MTA in memory; with real ones it is in ../mta/dkim_test.ts. */

import signDkim from "../../examples/sign_dkim.ts";
import { deliver, type TestMtaOptions } from "../../src/testing/mod.ts";
import { KEYS, verify } from "../dkim.ts";
import { assertEquals, test } from "../harness.ts";

const MAIL = "From: Zoot <zoot@example.test>\r\nSubject: Beacons\r\n  of the Grail\r\n\r\nLit.\r\n";

/** Mails that are ours, and one that is not. */
const SENDERS: readonly {
  readonly who: string;
  readonly options: TestMtaOptions;
  readonly signed: boolean;
}[] = [
  { who: "a user who has logged in", options: { macros: { auth_authen: "zoot" } }, signed: true },
  { who: "a client on the same machine", options: { client: { address: "::1" } }, signed: true },
  { who: "anybody else", options: {}, signed: false },
];

for (const { domain, selector, privateKey } of KEYS) {
  for (const mta of ["postfix", "sendmail"] as const) {
    for (const { who, options, signed } of SENDERS) {
      test(`sign_dkim ${signed ? "signs" : "leaves"} the mail of ${who}, ${selector}, ${mta}`, async () => {
        const filter = signDkim({ domain, selector, privateKey });
        const { outcome, message } = await deliver(filter, MAIL, { mta, ...options });
        assertEquals(outcome, "accepted");
        assertEquals(
          await verify(message!.bytes),
          signed ? [`${selector}-sha256 relaxed/relaxed: pass`] : [],
        );
      });
    }
  }
}

test("sign_dkim without a key that can be used lets the client try again later", async () => {
  const filter = signDkim({ domain: "example.test", selector: "s", privateKey: "none" });
  const logged: string[] = [];
  const { outcome } = await deliver(filter, MAIL, {
    client: { address: "127.0.0.1" },
    log: ({ message }) => void logged.push(message),
  });
  assertEquals(outcome, "tempfailed");
  assertEquals(logged, ["The filter failed: Cannot sign"]);
});
