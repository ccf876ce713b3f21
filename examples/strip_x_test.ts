/**
 * Tests a filter without a mail server, by the test runner that is at hand.
 *
 *   deno test examples/strip_x_test.ts
 *   bun test examples/strip_x_test.ts
 *   node --test examples/strip_x_test.ts
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { deliver } from "@kilter/milter/testing";
import stripX from "./strip_x.ts";

const MAIL = `From: The Shop <news@shop.example.org>
Subject: Half price
X-Mailer: GrailMailer
x-campaign: winter;
 beacons

Dear Zoot
`;

for (const mta of ["postfix", "sendmail"] as const) {
  test(`strip_x strips X- headers, and nothing else, on ${mta}`, async () => {
    const { outcome, message } = await deliver(stripX, MAIL, { mta, to: "zoot@example.com" });
    assert.equal(outcome, "accepted");
    assert.deepEqual(message?.headers.filter(({ name }) => /^x-/i.test(name)), []);
    assert.equal(message?.get("Subject"), "Half price");
    assert.equal(message?.body, "Dear Zoot\n");
  });

  test(`strip_x leaves a mail without any alone, on ${mta}`, async () => {
    const { edits } = await deliver(stripX, "Subject: X-Files\n\n", { mta });
    assert.deepEqual(edits, []);
  });
}
