import { isLocalRule } from '../vrf/rule-resource.js';
import { LOCAL_RULE_PRIORITY, LOCAL_TABLE, PROTOCOL } from '../plan/numbers.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { createRule, decodeRule, deleteRule, dumpRulesRequest, type RuleSpec } from 'netlink-ts';
import type { Resource } from '../reconcile/resource.js';
import type { LocalRule } from './objects.js';

/** Priority of the kernel's own rule, and its protocol (RTPROT_KERNEL). */
const KERNEL_PRIORITY = 0;
const RTPROT_KERNEL = 2;

/**
 * Moves `lookup local` behind l3mdev; in front of it, tenants would reach the hypervisor's own addresses. The new rule is added before the old one
 * is removed, in either direction, so that one always exists.
 */
export const localRuleResource: Resource<'local-rule'> = {
  name: 'local-rule',
  after: ['rule'],
  follows: { rule: () => true },

  list(kernel, wanted) {
    const found = new Map<string, LocalRule>();
    for (const family of [4, 6] as const) {
      const rules = kernel.socket.dump(dumpRulesRequest(family), decodeRule).filter(isLocalRule);
      const ours = rules.some((rule) => rule.priority === LOCAL_RULE_PRIORITY && rule.protocol === PROTOCOL);
      const first = rules.reduce((least, rule) => Math.min(least, rule.priority), Infinity);
      const key = family === 4 ? 'inet' : 'inet6';
      // Without segue's rule nothing was moved. If both rules are missing, segue must add one.
      if (ours || (wanted.has(key) && first !== Infinity)) found.set(key, { priority: first });
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ key, desired }) => {
      const family = key === 'inet' ? 4 : 6;
      const rules = kernel.socket.dump(dumpRulesRequest(family), decodeRule).filter(isLocalRule);
      const ours = rules.some((rule) => rule.priority === LOCAL_RULE_PRIORITY);
      const kernels = rules.some((rule) => rule.priority === KERNEL_PRIORITY);
      if (desired !== undefined) {
        return [
          ...(ours ? [] : [createRule(localRule(family, LOCAL_RULE_PRIORITY, PROTOCOL))]),
          ...(kernels ? [deleteRule(localRule(family, KERNEL_PRIORITY))] : []),
        ];
      }
      return [
        ...(kernels ? [] : [createRule(localRule(family, KERNEL_PRIORITY, RTPROT_KERNEL))]),
        ...(ours ? [deleteRule(localRule(family, LOCAL_RULE_PRIORITY, PROTOCOL))] : []),
      ];
    }),

  describe: (key, { priority }) => `rule ${key === 'inet' ? '-4' : '-6'} pref ${priority} lookup local`,
};

function localRule(family: 4 | 6, priority: number, protocol?: number): RuleSpec {
  return { family, priority, table: LOCAL_TABLE, action: 'table', ...(protocol !== undefined && { protocol }) };
}
