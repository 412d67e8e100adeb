import { type BigIntStats, statSync } from 'node:fs';
import { WATCH_RACY_MS } from './bounds.js';

/** What tells one state of a file from another without reading it; an errno's name where it cannot be looked at. */
export function fileSignature(file: string): string {
  let stat: BigIntStats;
  try {
    stat = statSync(file, { bigint: true });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error';
  }
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join();
}

/** Whether a file was changed so recently that another change would leave the same signature: timestamps have a granularity. */
export function isJustChanged(file: string): boolean {
  try {
    return Math.abs(Date.now() - statSync(file).ctimeMs) < WATCH_RACY_MS;
  } catch {
    return false;
  }
}
