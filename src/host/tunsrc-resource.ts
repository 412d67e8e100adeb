import { SWEEP_ONLY } from '../reconcile/follows.js';
import { getTunnelSource, setTunnelSource } from 'netlink-ts';
import type { Resource } from '../reconcile/resource.js';

/** The unset value: the kernel then uses any address of the node, even a tenant's gateway. */
const UNSET = '::';

/** The outer source of seg6 encapsulations, one for each namespace. Shared: the former one is saved. */
export const tunsrcResource: Resource<'tunsrc'> = {
  name: 'tunsrc',
  after: ['address'],
  follows: SWEEP_ONLY,

  list(kernel, wanted) {
    const address = getTunnelSource(kernel.generic);
    const ours = wanted.has('tunsrc') || kernel.savedSettings.get('tunsrc') !== undefined;
    return new Map(ours && address !== UNSET ? [['tunsrc', { address }]] : []);
  },

  apply(kernel, changes) {
    const failures = [];
    for (const { key, desired, actual } of changes) {
      try {
        if (desired === undefined) {
          setTunnelSource(kernel.generic, kernel.savedSettings.get('tunsrc') ?? UNSET);
          kernel.savedSettings.forget(['tunsrc']);
        } else {
          kernel.savedSettings.remember([['tunsrc', actual?.address ?? UNSET]]);
          setTunnelSource(kernel.generic, desired.address);
        }
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    return failures;
  },

  describe: (_key, { address }) => `sr tunsrc ${address}`,
};
