import { isNetlinkError, type NetlinkRequest } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { ObjectChange, ObjectFailure } from './resource.js';

/** What one kind asks of rtnetlink for a change: requests in order, or none when there is nothing left to do. */
export type Encode<V> = (change: ObjectChange<V>) => readonly NetlinkRequest[];

/** Errors that say an object to be removed is gone already. */
const GONE = ['ENOENT', 'ESRCH', 'ENODEV', 'EADDRNOTAVAIL'];

/**
 * Carries changes out over rtnetlink, batched; a request that deletes what is gone already has succeeded.
 */
export async function applyByNetlink<V>(
  kernel: Kernel,
  changes: readonly ObjectChange<V>[],
  encode: Encode<V>,
): Promise<ObjectFailure[]> {
  const failures: ObjectFailure[] = [];
  const owner: ObjectChange<V>[] = [];
  // Made as they are sent: a hundred thousand at once would be carried through every garbage collection.
  const requests = function* (): Generator<NetlinkRequest> {
    for (const change of changes) {
      let made: readonly NetlinkRequest[];
      try {
        made = encode(change);
      } catch (error) {
        failures.push({ key: change.key, error: error as Error });
        continue;
      }
      for (const request of made) {
        owner.push(change);
        yield request;
      }
    }
  };
  await kernel.execute(requests(), (index, error) => {
    const change = owner[index];
    if (change === undefined) return;
    if (change.desired === undefined && isNetlinkError(error, ...GONE)) return;
    failures.push({ key: change.key, error });
  });
  return failures;
}
