import { isNetlinkError, type NetlinkRequest } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { ObjectChange, ObjectFailure } from './resource.js';

/** The rtnetlink requests for a change, in order; empty if nothing is left to do. */
export type Encode<V> = (change: ObjectChange<V>) => readonly NetlinkRequest[];

/** Errors of a removal whose object is already gone. */
const GONE = ['ENOENT', 'ESRCH', 'ENODEV', 'EADDRNOTAVAIL'];

/** Applies changes over rtnetlink in batches. Deleting an object that is already gone counts as success. */
export async function applyByNetlink<V>(
  kernel: Kernel,
  changes: readonly ObjectChange<V>[],
  encode: Encode<V>,
): Promise<ObjectFailure[]> {
  const failures: ObjectFailure[] = [];
  const owner: ObjectChange<V>[] = [];
  // Encoded while they are sent: a hundred thousand encoded requests would burden every garbage collection.
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
