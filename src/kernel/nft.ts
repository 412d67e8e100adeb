import { Histogram } from './histogram.js';
import { ProgramError, runProgram } from './program.js';
import type { Ended } from './program.js';

/** nft failed or is not installed; `message` contains its output. */
export class NftError extends Error {
  readonly code = 'NFT';
}

/** Time-out of nft in milliseconds: a table of thousands of elements takes seconds on a slow machine. */
const NFT_TIMEOUT_MS = 60_000;
/** Loads a script into a temporary network namespace and lists the resulting ruleset. */
const LIST_APART = ['unshare', '--net', 'sh', '-c', 'nft -f - && nft -j list ruleset'];

/**
 * Runs nft in a network namespace. A process is one transaction.
 *
 * @param netns named namespace; absent: the process's own
 * @param script input of `nft -f -`
 * @throws NftError; ProgramError if no process can be started
 */
export function nft(netns: string | undefined, args: readonly string[], script = ''): Promise<string> {
  return run(netns, ['nft', ...args], script);
}

/**
 * Lists a script's ruleset as JSON, after loading it into a temporary network namespace.
 *
 * @throws NftError; ProgramError if no process can be started
 */
export function nftListApart(script: string): Promise<string> {
  return run(undefined, LIST_APART, script);
}

/** In seconds. */
const RUN_BUCKETS = [0.01, 0.05, 0.2, 1, 5];
/** Run times of nft in this process, in seconds. */
export const nftRuns = new Histogram(RUN_BUCKETS);

async function run(netns: string | undefined, argv: readonly string[], script: string): Promise<string> {
  let ended: Ended;
  try {
    const env = { ...process.env, LC_ALL: 'C' };
    ended = await runProgram(netns, argv, { timeoutMs: NFT_TIMEOUT_MS, input: script, env });
  } catch (error) {
    if (!(error instanceof ProgramError) || error.code !== 'ENOENT') throw error;
    throw new NftError(`${argv[0] ?? ''}: ${(error.cause as Error).message} (is nftables installed?)`);
  }
  const { status, signal, stdout, stderr, durationMs } = ended;
  nftRuns.observe(durationMs / 1000);
  if (status === 0) return stdout;
  // nft reports an error's position in the script in three lines; a message is one line.
  const words =
    stderr
      .trim()
      .split(/\s*\n\s*/)
      .join('; ') || (signal === undefined ? `exited with status ${status}` : `ended by ${signal}`);
  throw new NftError(`${argv === LIST_APART ? 'nft, in a network namespace of its own' : argv.join(' ')}: ${words}`);
}
