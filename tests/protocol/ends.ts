/** Both ends of the protocol, brought to where a test begins. */

import {
  COMMANDS,
  type CommandType,
  encodeCommand,
  encodeReply,
  FilterEnd,
  MtaEnd,
  PROTOCOL,
  type Reply,
  type Text,
  type Wish,
} from "../../src/protocol/mod.ts";
import { SAMPLES } from "./cases.ts";

/** A message from beginning to end. */
const ROUTE: readonly CommandType[] = [
  "negotiate",
  "connect",
  "helo",
  "mail",
  "rcpt",
  "data",
  "header",
  "endOfHeaders",
  "body",
  "endOfMessage",
];

/** All that Postfix and Sendmail take: every edit, and to skip the rest of a body. */
export const EVERYTHING: Wish = { actions: 0x1ff, protocol: PROTOCOL.SKIP };

/** What comes before a command on its way; what may come anywhere comes within a message here. */
function routeTo(type: CommandType): readonly CommandType[] {
  return ROUTE.slice(0, ROUTE.indexOf(ROUTE.includes(type) ? type : "data"));
}

/** A filter's end that has answered all that comes before this command. */
export function filterEndBefore(type: CommandType, wish: Wish = EVERYTHING): FilterEnd {
  const end = new FilterEnd({ wish });
  for (const passed of routeTo(type)) takeCommand(end, passed);
  return end;
}

/** A filter's end that has this command to answer. */
export function filterEndAt(type: CommandType, wish: Wish = EVERYTHING): FilterEnd {
  const end = filterEndBefore(type, wish);
  end.receive(encodeCommand(SAMPLES.get(type)!));
  end.next();
  return end;
}

function takeCommand(end: FilterEnd, type: CommandType): void {
  end.receive(encodeCommand(SAMPLES.get(type)!));
  end.next();
  if (end.awaiting !== undefined) end.send({ type: "continue" });
  end.take();
}

/** An MTA's end that has sent this command. */
export function mtaEndAt(type: CommandType, wish: Wish = EVERYTHING): MtaEnd {
  const end = new MtaEnd();
  for (const passed of [...routeTo(type), type]) {
    end.send(SAMPLES.get(passed)!);
    if (passed !== type && COMMANDS[passed].answers.length > 0) {
      end.receive(encodeReply(passed === "negotiate" ? agreementOn(wish) : { type: "continue" }));
      end.next();
    }
  }
  end.take();
  return end;
}

function agreementOn({ actions = 0, protocol = 0 }: Wish): Reply<Text> {
  return { type: "negotiate", version: 6, actions, protocol, macros: [] };
}
