import { PROTOCOL } from '../plan/numbers.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { createRule, decodeRule, deleteRule, dumpRulesRequest } from '../netlink/rule.js';
import type { Kind } from '../reconcile/kind.js';
import type { Rule } from './objects.js';
import type { Rule as KernelRule, RuleSpec } from '../netlink/types.js';

/** Policy rules, known as ours by their protocol. The local rule has a kind of its own. */
export const ruleKind: Kind<'rule'> = {
  name: 'rule',

  list(kernel) {
    const found = new Map<string, Rule>();
    for (const family of [4, 6] as const) {
      for (const rule of kernel.socket.dump(dumpRulesRequest(family), decodeRule)) {
        if (rule.protocol !== PROTOCOL || isLocalRule(rule)) continue;
        const base = ruleKey(family, rule.priority);
        let key = base;
        // A second rule of ours at one priority is nobody's plan: it goes.
        for (let n = 2; found.has(key); n++) key = `${base} #${n}`;
        found.set(key, fromKernel(rule));
      }
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ desired, actual }) => [
      ...(actual === undefined ? [] : [deleteRule(toKernel(actual))]),
      ...(desired === undefined ? [] : [createRule(toKernel(desired))]),
    ]),

  describe(_key, { family, priority, from, to, iif, action, table, l3mdev }) {
    const words = [`rule ${family === 4 ? '-4' : '-6'} pref ${priority}`];
    if (from !== undefined) words.push('from', from);
    if (to !== undefined) words.push('to', to);
    if (iif !== undefined) words.push('iif', iif);
    if (l3mdev === true) words.push('l3mdev');
    words.push(action === 'table' ? `lookup ${table}` : action);
    return words.join(' ');
  },
};

export function ruleKey(family: 4 | 6, priority: number): string {
  return `${family === 4 ? 'inet' : 'inet6'} ${priority}`;
}

/** `from all lookup local`, at whatever priority. */
export function isLocalRule(rule: KernelRule): boolean {
  return rule.action === 'table' && rule.table === 255 && rule.from === undefined && rule.to === undefined;
}

function toKernel({ family, priority, from, to, iif, action, table, l3mdev }: Rule): RuleSpec {
  return {
    family,
    priority,
    protocol: PROTOCOL,
    action,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(iif !== undefined && { iif }),
    ...(table !== undefined && { table }),
    ...(l3mdev !== undefined && { l3mdev }),
  };
}

function fromKernel({ family, priority, from, to, iif, action, table, l3mdev }: KernelRule): Rule {
  return {
    family,
    priority,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(iif !== undefined && { iif }),
    action: action as Rule['action'],
    ...(action === 'table' && !l3mdev && { table }),
    ...(l3mdev && { l3mdev }),
  };
}
