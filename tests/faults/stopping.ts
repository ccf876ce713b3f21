/** A filter that marks each mail that it has judged, and can be told where to hold one. */

import { accept, type Filter } from "../../mod.ts";
import type { CommandType } from "../../src/protocol/mod.ts";
import { arrive, STAGES } from "../session/stages.ts";

/** The header of a mail that the filter has judged. */
export const MARK = "X-Judged";

/** Holds a message where `where` says at that moment, and tells so; goes on when the message ends. */
export function stopping(where: () => string, onStopped: (stage: CommandType) => void): Filter {
  return async (session) => {
    for (const stage of STAGES) {
      await arrive(session, stage);
      if (where() !== stage) continue;
      onStopped(stage);
      await new Promise((_, reject) => session.signal.addEventListener("abort", reject));
    }
    session.headers.append(MARK, "yes");
    return accept();
  };
}
