/** Packets a second by a network node: every path's chain stands, and paths take turns in each round. */
import { measurePackets } from '../packets/measure.js';
import { EstablishedCheck } from './established.js';
import type { Claim } from '../lib/claim.js';
import type { RowCollector } from '../lib/rows.js';
import type { Traffic } from '../packets/settings.js';
import type { Path } from '../paths/path.js';

export interface SteerOptions {
  paths: readonly Path[];
  rounds: number;
  milliseconds: number;
  settings: readonly Traffic[];
  endpoints?: number | undefined;
  cpus: number;
}

/** Adds rows `one_cpu` in packets a second. */
export async function measureSteer(names: Claim, options: SteerOptions, rows: RowCollector): Promise<void> {
  const check = new EstablishedCheck();
  const { paths, rounds, milliseconds, settings, endpoints, cpus } = options;
  await measurePackets(
    names,
    {
      ...{ paths, rounds, milliseconds, endpoints, cpus, title: 'steer', networkNode: true },
      // Generator and path on one CPU: there is nothing to search.
      ...{ fullRate: settings, search: [], searchRounds: 0, precision: 1, trialsMax: 0 },
      before: (stand, traffic) => check.before(stand, traffic),
      after: (stand, traffic, trial) => check.after(stand, traffic, trial),
    },
    rows,
  );
}
