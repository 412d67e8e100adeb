import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { createRule, decodeRule, dumpRulesRequest } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource } from '../reconcile/resource.js';
import type { L3mdevRule } from './objects.js';

/** The kernel adds the rule with the first VRF of a namespace, and never again (vrf_fib_rule, drivers/net/vrf.c). */
const RTPROT_KERNEL = 2;

/**
 * The rule by which packets of a VRF look up its table; without it every tenant is cut off. The kernel and VRFs of others also depend on it: it is
 * restored when missing, and never removed.
 */
export const l3mdevRuleResource: Resource<'l3mdev-rule'> = {
  name: 'l3mdev-rule',
  after: ['vrf'],
  follows: { rule: () => true },

  list(kernel, wanted) {
    const found = new Map<string, L3mdevRule>();
    for (const key of wanted.keys()) {
      const priority = priorityOf(kernel, key);
      if (priority !== undefined) found.set(key, { priority });
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ key, desired }) => {
      // The first VRF may have added it after the listing.
      if (desired === undefined || priorityOf(kernel, key) !== undefined) return [];
      const { priority } = desired;
      return [createRule({ family: familyOf(key), priority, l3mdev: true, protocol: RTPROT_KERNEL })];
    }),

  // Others may have moved it; any priority before main is sufficient.
  equal: () => true,

  describe: (key, { priority }) => `rule ${key === 'inet' ? '-4' : '-6'} pref ${priority} lookup [l3mdev-table]`,
};

function priorityOf(kernel: Kernel, key: string): number | undefined {
  const rules = kernel.socket.dump(dumpRulesRequest(familyOf(key)), decodeRule);
  return rules.find(
    (rule) => rule.l3mdev && rule.action === 'table' && rule.to === undefined && rule.from === undefined,
  )?.priority;
}

function familyOf(key: string): 4 | 6 {
  return key === 'inet' ? 4 : 6;
}
