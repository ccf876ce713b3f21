/** Filters that take their time at the end of a message: Sendmail gives up after 10 s in which it hears nothing. */

import { accept, type Filter, serve, type ServeOptions } from "../../mod.ts";
import { assertEquals, delay } from "../harness.ts";
import { messageOf, sendMail } from "./mail.ts";
import type { MtaName } from "./mta.ts";
import { testOnEachMta } from "./on_each_mta.ts";

/** Postfix is set up as impatient as Sendmail is by default. */
const PATIENCE: Readonly<Record<MtaName, Pick<ServeOptions, "timeouts">>> = {
  postfix: { timeouts: { progress: 4_500 } },
  sendmail: {},
};

testOnEachMta(
  "a filter may take longer at the end of a message than the MTA would wait in silence",
  async (mta, options) => {
    const slow: Filter = async (session) => {
      await session.endOfMessage();
      await delay(13_000);
      return accept();
    };
    await using _server = await serve(slow, { ...options, ...PATIENCE[mta.name] });
    assertEquals((await sendMail(mta, { message: messageOf("slow") })).refused, {});
    await mta.delivery("slow");
  },
  { mainCf: { milter_content_timeout: "10s" } },
);
