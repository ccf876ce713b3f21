/** Filters that take their time at the end of a message: Sendmail gives up after 10 s in which it hears nothing. */

import { accept, type Filter, serve, type ServeOptions } from "../../mod.ts";
import { assertEquals, delay } from "../harness.ts";
import { messageOf, sendMail } from "./mail.ts";
import type { MtaName } from "./mta.ts";
import { testOnEachMta } from "./on_each_mta.ts";

/** Sendmail as it is by default; Postfix, which waits 300 s, is set up to be less patient than that. */
const PATIENCE: Readonly<Record<MtaName, { readonly slow: number } & Pick<ServeOptions, "timeouts">>> = {
  postfix: { slow: 4_000, timeouts: { progress: 1_300 } },
  sendmail: { slow: 11_500 },
};

testOnEachMta(
  "a filter may take longer at the end of a message than the MTA would wait in silence",
  async (mta, options) => {
    const { slow: time, ...timeouts } = PATIENCE[mta.name];
    const slow: Filter = async (session) => {
      await session.endOfMessage();
      await delay(time);
      return accept();
    };
    await using _server = await serve(slow, { ...options, ...timeouts });
    assertEquals((await sendMail(mta, { message: messageOf("slow") })).refused, {});
    await mta.delivery("slow");
  },
  { mainCf: { milter_content_timeout: "3s" } },
);
