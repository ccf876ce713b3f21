/** How the command ends, for scripts. */
export const EXIT = {
  /** The mail was accepted; all is well. */
  accepted: 0,
  /** The mail was refused; what was looked at differs, or has faults. */
  refused: 1,
  /** The command was not understood. */
  usage: 2,
  /** Something failed: nobody listens, a file is not there, the filter broke the protocol. */
  trouble: 3,
} as const;

/** One of {@linkcode EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
