import { type BigIntStats, statSync } from 'node:fs';
import { WATCH_RACY_MS } from './bounds.js';

/** Identifies the state of a file without reading it; the name of the errno if stat fails. */
export function fileSignature(file: string): string {
  let stat: BigIntStats;
  try {
    stat = statSync(file, { bigint: true });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'error';
  }
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join();
}

/** Whether a file changed so recently that another change could leave the same signature, because of the timestamps' granularity. */
export function isJustChanged(file: string): boolean {
  try {
    return Math.abs(Date.now() - statSync(file).ctimeMs) < WATCH_RACY_MS;
  } catch {
    return false;
  }
}
