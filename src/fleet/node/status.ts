import { join } from 'node:path';
import { readRegularFile } from '../../intent/regular-file.js';
import { replaceFile } from '../../kernel/replace-file.js';

/** A node's state towards its feeds, for `doctor`. */
export interface FeedStatus {
  /** The feed that the node follows; absent if none answers. */
  feed?: string;
  /** Epoch of the node's part. */
  epoch: string;
  sequence: number;
  /** Since when no feed answers, in milliseconds since 1970. */
  lostSinceMs?: number;
  /** Error of the last feed. */
  error?: string;
  /** How long the feed has not reached etcd, in milliseconds. */
  behindMs?: number;
  /** Why the feed does not follow the store. */
  held?: string;
  /** Why the node refuses the feed's intent. */
  refused?: string;
  /** Why renewing the certificate failed. */
  notRenewed?: string;
}

const FILE = 'feed-status';

/** Writes the status. A failure has no consequence beyond the missing status. */
export function writeFeedStatus(runDirectory: string, status: FeedStatus): void {
  try {
    replaceFile(join(runDirectory, FILE), `${JSON.stringify(status)}\n`, 0o600);
  } catch {
    // No space, or no directory: the next change is written again.
  }
}

/** @returns undefined if no agent has written a status */
export function readFeedStatus(runDirectory: string): FeedStatus | undefined {
  try {
    return JSON.parse(readRegularFile(join(runDirectory, FILE)).toString()) as FeedStatus;
  } catch {
    return undefined;
  }
}
