/** `kilter trace` and `kilter replay` with real MTAs: mail passes as without them. */

import { accept, type Filter, serve } from "../../mod.ts";
import { formatAddress } from "../../src/adapters/address.ts";
import { kilter } from "../cli/captured.ts";
import { RunningCommand } from "../cli/running.ts";
import { assertEquals, assertMatch, assertStringIncludes, tempDir } from "../harness.ts";
import { BODY, messageOf, sendMail } from "./mail.ts";
import { testOnEachMta } from "./on_each_mta.ts";
import { bodyOf, headersOf } from "./smtp_sink.ts";

const tagging: Filter = async (session) => {
  session.headers.append("X-Seen", "by Kilter");
  session.changeSender("bounces@example.test");
  await session.endOfMessage();
  return accept();
};

testOnEachMta(
  "mail passes through kilter trace as without it, and its recording can be played",
  async (mta, options) => {
    await using directory = await tempDir();
    const file = directory.file("mail.jsonl");
    await using server = await serve(tagging, { ...options, listen: "inet:0@127.0.0.1" });
    const forward = formatAddress(server.address);
    const mode = "path" in mta.milter ? ["--mode", "666"] : [];
    await using command = new RunningCommand([
      ...["trace", "--listen", formatAddress(mta.milter), "--forward", forward, "--save", file],
      ...mode,
    ]);
    await command.terminal.until(/listening on/);
    const large = "0123456789".repeat(7).concat("\r\n").repeat(3000);
    for (const [subject, text] of [["small", BODY], ["large", large]] as const) {
      const { refused } = await sendMail(mta, { message: messageOf(subject, text) });
      assertEquals(refused, {});
      const mail = await mta.delivery(subject);
      assertEquals(bodyOf(mail), text);
      assertEquals(headersOf(mail).filter(([name]) => name === "X-Seen"), [["X-Seen", "by Kilter"]]);
      assertMatch(mail.from, /bounces@example\.test/);
    }
    const { code, out, err } = await command.stop();
    assertEquals(code, 0);
    assertStringIncludes(out, '< changeSender "<bounces@example.test>"');
    assertMatch(err, /2 connections; \d+ packets from the MTA, \d+ from the filter; recorded in /);
    const replayed = await kilter("replay", file, "--to", forward);
    assertEquals(replayed.code, 0, replayed.out);
  },
);
