import { Histogram } from './histogram.js';
import { ProgramError, runProgram } from './program.js';
import type { Ended } from './program.js';

/** nft said no, or is not installed; `message` holds its own words. */
export class NftError extends Error {
  readonly code = 'NFT';
}

/** How long nft may take, milliseconds: a table of thousands of elements on a slow machine takes seconds. */
const NFT_TIMEOUT_MS = 60_000;
/** It reads a script and lists what that made, in a network namespace that ends with it. */
const LIST_APART = ['unshare', '--net', 'sh', '-c', 'nft -f - && nft -j list ruleset'];

/**
 * Runs nft in a network namespace: one process a transaction, all of it or nothing.
 *
 * @param netns named namespace; absent: this process's own
 * @param script what `nft -f -` reads
 * @throws NftError; ProgramError when the machine starts no program
 */
export function nft(netns: string | undefined, args: readonly string[], script = ''): Promise<string> {
  return run(netns, ['nft', ...args], script);
}

/**
 * What nft lists, in JSON, of a script that is loaded into a network namespace of its own.
 *
 * @throws NftError; ProgramError when the machine starts no program
 */
export function nftListApart(script: string): Promise<string> {
  return run(undefined, LIST_APART, script);
}

/** Seconds. */
const RUN_BUCKETS = [0.01, 0.05, 0.2, 1, 5];
/** Of this process, in seconds. */
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
  const words = stderr.trim() || (signal === undefined ? `ended by status ${status}` : `ended by ${signal}`);
  throw new NftError(`${argv === LIST_APART ? 'nft, in a network namespace of its own' : argv.join(' ')}: ${words}`);
}
