/** What else the machine does, measured while the benchmark itself rests. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tell } from './tell.js';

const SAMPLE_MS = 500;
/** Above this many processors there is a warning. */
const TOLD_ABOVE = 0.1;
/** USER_HZ, in which /proc/stat counts. */
const TICKS_PER_S = 100;

/** Ticks that all processors have been idle, proc_stat(5). */
function idleTicks(stat: string): number {
  const [, , , , idle = '0', iowait = '0'] = (stat.split('\n', 1)[0] ?? '').split(/\s+/);
  return Number(idle) + Number(iowait);
}

/**
 * How many processors were busy with others' work, by two decimals, over half a second.
 *
 * @param processors of the machine
 */
export async function busyProcessors(processors: number): Promise<number> {
  const before = idleTicks(readFileSync('/proc/stat', 'utf8'));
  const start = performance.now();
  await sleep(SAMPLE_MS);
  const seconds = (performance.now() - start) / 1000;
  const idle = (idleTicks(readFileSync('/proc/stat', 'utf8')) - before) / TICKS_PER_S / seconds;
  const busy = Math.max(0, Math.round((processors - idle) * 100) / 100);
  if (busy > TOLD_ABOVE) {
    tell(`other processes use ${busy} of ${processors} CPUs: figures are unreliable, ratios less so`);
  }
  return busy;
}
