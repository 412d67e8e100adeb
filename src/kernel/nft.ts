import { spawn } from 'node:child_process';
import { inNetns } from '../netlink/netns.js';

/** nft said no; `message` holds its own words. */
export class NftError extends Error {
  readonly code = 'NFT';
}

/** How long nft may take, milliseconds: a table of thousands of elements on a slow machine takes seconds. */
const NFT_TIMEOUT_MS = 60_000;

/**
 * Runs nft in a network namespace: one process a transaction, all of it or nothing.
 *
 * @param netns named namespace; absent: this process's own
 * @param script what `nft -f -` reads
 */
export function nft(netns: string | undefined, args: readonly string[], script = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    // A child is born in the namespace of the thread that starts it.
    const child = inNetns(netns, () =>
      spawn('nft', args, { stdio: 'pipe', timeout: NFT_TIMEOUT_MS, env: { ...process.env, LC_ALL: 'C' } }),
    );
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.on('error', (error) => {
      reject(new NftError(`nft: ${error.message} (is nftables installed?)`));
    });
    child.on('close', (status, signal) => {
      if (status === 0) resolve(output);
      else
        reject(new NftError(`nft ${args.join(' ')}: ${errors.trim() || `ended by ${signal ?? `status ${status}`}`}`));
    });
    // nft may end before it has read all; its message says why, EPIPE does not.
    child.stdin.on('error', () => undefined);
    child.stdin.end(script);
  });
}
