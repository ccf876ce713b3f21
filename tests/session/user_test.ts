/** By which name the client has logged in, as the filter is told. */

import { accept } from "../../mod.ts";
import { assertEquals, test } from "../harness.ts";
import { GREETING } from "../mta_commands.ts";
import { play } from "../mta_player.ts";

const POSTFIX = { v: "Postfix 3.7.11" };
const SENDMAIL = { "{if_name}": "localhost" };

/** What MTAs tell in `{auth_authen}`, and whom it means. */
const USERS: readonly (readonly [mta: Record<string, string>, told: string, user: string | undefined])[] = [
  [POSTFIX, "arthur", "arthur"],
  [POSTFIX, "arthur+3Dking", "arthur+3Dking"],
  [POSTFIX, "", undefined],
  [SENDMAIL, "arthur", "arthur"],
  [SENDMAIL, "/CN+3Darthur", "/CN=arthur"],
  [SENDMAIL, "a+2Bb+40c", "a+b@c"],
  [SENDMAIL, "k+C3+B6nig+2B+FF", "k\u00f6nig+\ufffd"],
  [SENDMAIL, "no+2xtext+", "no+2xtext+"],
  [SENDMAIL, "", undefined],
  [{}, "arthur+3Dking", "arthur+3Dking"],
];

test("Session.authenticatedUser is the name itself, also where Sendmail writes it as xtext", async () => {
  for (const [mta, told, user] of USERS) {
    let seen: string | undefined;
    await using player = await play(async (session) => {
      await session.envelopeFrom();
      seen = session.authenticatedUser;
      return accept();
    });
    await player.macros("C", mta);
    await player.play(GREETING);
    await player.macros("M", { "{auth_authen}": told });
    await player.say("mail");
    assertEquals(seen, user, told);
  }
});
