/** Starts all of segue's child processes, so that every failure to start one is an error with a reason. */
import { ChildProcess, spawn } from 'node:child_process';
import type { SpawnOptions } from 'node:child_process';
import { inNetns } from 'netlink-ts';

/** The result of a program that has ended. */
export interface Ended {
  /** Exit code; undefined if a signal ended it. */
  status?: number;
  signal?: NodeJS.Signals;
  stdout: string;
  stderr: string;
  durationMs: number;
}

export interface RunOptions {
  /** Time-out, after which the program is killed with SIGKILL; default RUN_TIMEOUT_MS. */
  timeoutMs?: number;
  input?: string;
  env?: NodeJS.ProcessEnv;
}

/** In milliseconds. */
const RUN_TIMEOUT_MS = 60_000;

/** Reasons why the kernel starts no process, with remedies. */
const REASONS: Record<string, string> = {
  EMFILE: 'this process has no file descriptor left (EMFILE): expected a higher limit (LimitNOFILE=, ulimit -n)',
  ENFILE: 'the machine has no file descriptor left (ENFILE): expected a higher fs.file-max',
  EAGAIN: 'no more processes can be started (EAGAIN): expected a higher limit (TasksMax=, ulimit -u)',
  ENOMEM: 'the machine has no memory left (ENOMEM)',
  E2BIG: 'the arguments and the environment are too long (E2BIG)',
};

/** A program could not be started. */
export class ProgramError extends Error {
  /** Name of the errno, such as `ENOENT` if the program does not exist. */
  readonly code: string;

  constructor(program: string, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? 'PROGRAM';
    super(`${program}: ${REASONS[code] ?? `${cause.message} (is it installed?)`}`, { cause });
    this.name = 'ProgramError';
    this.code = code;
  }
}

/**
 * Starts a program in a network namespace. Only that namespace is entered: unlike with `ip netns exec`, /sys remains the host's.
 *
 * @param netns undefined: the process's own
 * @param onError called if the program could not be started, never before this returns
 * @returns the process. Without free descriptors it has no streams, contrary to Node's types.
 * @throws NetnsError
 */
export function startProgram(
  netns: string | undefined,
  argv: readonly string[],
  options: SpawnOptions,
  onError: (error: ProgramError) => void,
): ChildProcess {
  const [program = '', ...args] = argv;
  // A child inherits the namespace of the thread that starts it.
  const child = inNetns(netns, () => {
    try {
      return spawn(program, args, options);
    } catch (error) {
      // Node.js throws some failures of the kernel and emits others (ChildProcess.spawn); both are reported by onError.
      const failed = new ChildProcess();
      process.nextTick(() => failed.emit('error', error));
      return failed;
    }
  });
  child.on('error', (error) => {
    // Also emitted if a signal could not be sent, which is no failure to start.
    if (child.pid === undefined) onError(new ProgramError(program, error));
  });
  return child;
}

/**
 * Runs a program in a network namespace until it ends, with any exit code. Does not block the event loop.
 *
 * @param netns undefined: the process's own
 * @throws ProgramError if it cannot be started; NetnsError
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
      // Its children may outlive it and keep the other ends of the pipes open.
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
    // A program that does not read its input is no error.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
