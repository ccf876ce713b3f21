import { COMMANDS, type CommandType } from "../../protocol/commands.ts";
import { latin1, packet } from "./bad_input.ts";
import { type Case, NotApplicable } from "./case.ts";
import { ABORT, greeting, macros, message, type Said, withoutMacros } from "./samples.ts";

const HARMLESS = "broken macros never fail a session";

/** The mail, each of its macros as this makes them. */
function withMacros(definitions: string): Said[] {
  return [...greeting(), ...message()].map((said) =>
    said.type === "macros" ? { ...said, definitions: latin1(definitions) } : said
  );
}

function macroCase(name: string, about: string, rule: string, commands: () => readonly Said[]): Case {
  return {
    name,
    about,
    rule,
    async play(stand) {
      const talk = await stand.open();
      await talk.play(commands());
      await talk.finish();
    },
  };
}

/** Macros in all forms; they are never answered, and never a reason to fail. */
export const MACRO_CASES: readonly Case[] = [
  macroCase(
    "no-macros",
    "a mail without any macros",
    "an MTA may have none to tell",
    () => withoutMacros([...greeting(), ...message()]),
  ),
  macroCase(
    "empty-macros",
    "macros with nothing in them, before each command",
    "Postfix sends them so",
    () => withMacros(""),
  ),
  macroCase(
    "odd-macros",
    "macros of which the last has no value",
    HARMLESS,
    () => withMacros("i\0id\0odd\0"),
  ),
  macroCase("cut-macros", "macros without their last NUL", HARMLESS, () => withMacros("i\0id\0{x}\0cut")),
  macroCase(
    "nameless-macros",
    "macros with an empty name, or twice the same",
    HARMLESS,
    () => withMacros("\0value\0{}\0\0i\0one\0i\0two\0{i}\0three\0"),
  ),
  macroCase(
    "many-macros",
    "500 macros at a command, and one of 40 KB",
    "a frame is a frame",
    () =>
      withMacros(
        Array.from({ length: 500 }, (_, at) => `{name_${at}}\0value\0`).join("") +
          `{long}\0${"x".repeat(40_000)}\0`,
      ).filter((said, at) => said.type !== "macros" || at < 8),
  ),
  {
    name: "unasked-macros",
    about: "macros for the commands that it does without",
    rule: "Postfix sends them all the same",
    async play(stand) {
      const talk = await stand.open();
      const absent = (Object.keys(COMMANDS) as CommandType[]).filter((type) => !talk.sends(type));
      if (absent.length === 0) throw new NotApplicable("it wants every command");
      await talk.play([...greeting(), ...message()]);
      for (const type of absent) await talk.say(macros(COMMANDS[type].code, { i: "id" }));
      await talk.say(ABORT);
      await talk.finish();
    },
  },
  macroCase("lonely-macros", "macros again and again, and for commands that do not come", HARMLESS, () => [
    ...greeting(),
    ..."ETBRMLNHCU".split("").map((stage) => macros(stage, { i: "id" })),
    ...message(),
    ..."MRTM".split("").map((stage) => macros(stage, { i: "id" })),
    ABORT,
    ...message(),
  ]),
  {
    name: "strange-macros",
    about: "macros for a command that does not exist, or for none",
    rule: `${HARMLESS}; what can't be read may be refused by a close`,
    async play(stand) {
      const talk = await stand.open();
      talk.wire.write(packet("DZi\0id\0"));
      await talk.play([...greeting(), ...message()]);
      await talk.finish();
      const other = await stand.open();
      other.wire.write(packet("D"));
      other.wire.end();
      await other.expectEnd("hangs at macros for no command: does not close after the MTA did");
      await stand.serves();
    },
  },
];
