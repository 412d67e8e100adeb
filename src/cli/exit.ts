/** Exit codes of every command; scripts rely on them. */
export const EXIT = {
  /** done; for diff: nothing to do */
  ok: 0,
  /** something could not be done, or is not as it should be */
  failed: 1,
  /** the command line, the node file or the intent is not acceptable; nothing was touched */
  badInput: 2,
  /** diff: the kernel is not as the intent wants it */
  drift: 3,
} as const;

/** A refusal that ends the command with a message and a code of its own. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}
