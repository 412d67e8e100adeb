/** Exit codes of all commands, on which scripts rely. */
export const EXIT = {
  /** success; for diff: no difference */
  ok: 0,
  /** something failed, or a check found a problem */
  failed: 1,
  /** the command line, the node file or the intent is invalid; nothing was changed */
  badInput: 2,
  /** diff: the kernel differs from the intent */
  drift: 3,
} as const;

/** An error that ends the command with a message and its own exit code. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}
