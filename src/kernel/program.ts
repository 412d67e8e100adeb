/** Every program that segue starts is started here, so that each failure to start one is an error with a reason. */
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { inNetns } from 'netlink-ts';

/** What a program left behind when it ended. */
export interface Ended {
  /** exit code; undefined when a signal ended it */
  status?: number;
  signal?: NodeJS.Signals;
  stdout: string;
  stderr: string;
  durationMs: number;
}

export interface RunOptions {
  /** then it is killed, and the result has signal SIGKILL; default RUN_TIMEOUT_MS */
  timeoutMs?: number;
  input?: string;
  env?: NodeJS.ProcessEnv;
}

/** Milliseconds. */
const RUN_TIMEOUT_MS = 60_000;

/** Why the kernel starts no program, and what helps. */
const REASONS: Record<string, string> = {
  EMFILE: 'this process has no file descriptor left (EMFILE): expected a higher limit (LimitNOFILE=, ulimit -n)',
  ENFILE: 'the machine has no file descriptor left (ENFILE): expected a higher fs.file-max',
  EAGAIN: 'no further process may be started (EAGAIN): expected a higher limit (TasksMax=, ulimit -u)',
  ENOMEM: 'the machine has no memory left (ENOMEM)',
};

/** A program that could not be started. */
export class ProgramError extends Error {
  /** Name of the errno: `ENOENT` when there is no such program. */
  readonly code: string;

  constructor(program: string, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? 'PROGRAM';
    super(`${program}: ${REASONS[code] ?? `${cause.message} (is it installed?)`}`, { cause });
    this.name = 'ProgramError';
    this.code = code;
  }
}

/**
 * Starts a program in a network namespace. Only that is entered: unlike with `ip netns exec`, /sys stays the host's.
 *
 * @param netns undefined: this process's own
 * @param onError the program could not be started; called later, never before this returns
 * @returns the program. One that could not be started for want of descriptors has no streams at all, whatever Node's types say.
 * @throws NetnsError
 */
export function startProgram(
  netns: string | undefined,
  argv: readonly string[],
  options: SpawnOptions,
  onError: (error: ProgramError) => void,
): ChildProcess {
  const [program = '', ...args] = argv;
  // A child is born in the namespace of the thread that starts it.
  const child = inNetns(netns, () => spawn(program, args, options));
  child.on('error', (error) => {
    // Also emitted for a signal that could not be sent, which is no failure to start.
    if (child.pid === undefined) onError(new ProgramError(program, error));
  });
  return child;
}

/**
 * Runs a program in a network namespace to its end, whatever its exit code. The event loop goes on.
 *
 * @param netns undefined: this process's own
 * @throws ProgramError when it cannot be started; NetnsError
 */
export function runProgram(
  netns: string | undefined,
  argv: readonly string[],
  { timeoutMs = RUN_TIMEOUT_MS, input = '', env }: RunOptions = {},
): Promise<Ended> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = startProgram(netns, argv, { stdio: 'pipe', ...(env && { env }) }, (error) => {
      clearTimeout(timer);
      reject(error);
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      // Programs that it started hold the other ends and may live on.
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, timeoutMs);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const durationMs = performance.now() - start;
      resolve({ ...(status !== null && { status }), ...(signal && { signal }), stdout, stderr, durationMs });
    });
    // A program that does not read its input is no failure of ours.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
