import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../kernel/replace-file.js';

/** Where a node is with its feeds: what `doctor` says of it. */
export interface FeedStatus {
  /** The feed that the node follows; absent while none answers. */
  feed?: string;
  /** Of what the node has. */
  epoch: string;
  sequence: number;
  /** Since when no feed answers, milliseconds since 1970. */
  lostSinceMs?: number;
  /** Why the last feed did not. */
  error?: string;
  /** For how long the feed has not heard of etcd, milliseconds. */
  behindMs?: number;
  /** Why the feed holds on to what it has. */
  held?: string;
  /** Why the node does not take what the feed says. */
  refused?: string;
  /** Why the certificate was not renewed when it was time. */
  notRenewed?: string;
}

const FILE = 'feed-status';

/** Failing costs nobody anything but the news. */
export function writeFeedStatus(runDirectory: string, status: FeedStatus): void {
  try {
    replaceFile(join(runDirectory, FILE), `${JSON.stringify(status)}\n`, 0o600);
  } catch {
    // No space, or no directory: it is said again with the next change.
  }
}

/** @returns undefined where no agent has written one */
export function readFeedStatus(runDirectory: string): FeedStatus | undefined {
  try {
    return JSON.parse(readFileSync(join(runDirectory, FILE), 'utf8')) as FeedStatus;
  } catch {
    return undefined;
  }
}
