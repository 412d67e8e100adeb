import { LOCATOR_BITS } from '../intent/bounds.js';
import {
  BLOCK_RULE_PRIORITY,
  LOCAL_TABLE,
  LOCATOR_DISCARD_PRIORITY,
  LOCATOR_LOCAL_PRIORITY,
  LOCATOR_MAIN_PRIORITY,
  MAIN_TABLE,
  OUTER_RULE_PRIORITY,
  PROTOCOL,
} from '../plan/numbers.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import {
  createRule,
  decodeRule,
  deleteRule,
  dumpRulesRequest,
  type Rule as KernelRule,
  type RuleSpec,
} from 'netlink-ts';
import { hostPrefix, prefixAddress } from 'netlink-ts/inet';
import { ruleKey } from './rule-key.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource } from '../reconcile/resource.js';
import type { Rule } from './objects.js';

/** Selectors and conditions that segue's rules never have. */
const UNUSED = [
  'fwmark',
  'iif',
  'oif',
  'tos',
  'invert',
  'tunnelId',
  'ipProtocol',
  'sourcePorts',
  'destinationPorts',
  'uidRange',
  'suppressIfgroup',
] as const satisfies readonly (keyof KernelRule)[];

/** Form of segue's rules by priority, without the prefixes, which come from the intent. All are IPv6. */
const FORMS: Readonly<Record<number, (rule: KernelRule) => boolean>> = {
  [OUTER_RULE_PRIORITY]: (rule) => rule.from !== undefined && looksUp(rule, MAIN_TABLE),
  [BLOCK_RULE_PRIORITY]: (rule) => rule.from === undefined && rule.l3mdev && rule.action === 'unreachable',
  [LOCATOR_LOCAL_PRIORITY]: (rule) => rule.from === undefined && looksUp(rule, LOCAL_TABLE),
  [LOCATOR_MAIN_PRIORITY]: (rule) => rule.from === undefined && looksUp(rule, MAIN_TABLE, LOCATOR_BITS),
  [LOCATOR_DISCARD_PRIORITY]: (rule) => rule.from === undefined && rule.action === 'blackhole' && !rule.l3mdev,
};

function looksUp(
  { action, table, l3mdev, suppressPrefixLength }: KernelRule,
  wanted: number,
  suppress?: number,
): boolean {
  return action === 'table' && table === wanted && !l3mdev && suppressPrefixLength === suppress;
}

/** Whether a rule is segue's: by protocol, priority and form. The protocol alone is no proof. */
export function isOurRule(rule: KernelRule): boolean {
  if (rule.protocol !== PROTOCOL || rule.family !== 6 || rule.to === undefined) return false;
  return FORMS[rule.priority]?.(rule) === true && UNUSED.every((field) => rule[field] === undefined);
}

const LOCATOR_PRIORITIES: readonly number[] = [LOCATOR_LOCAL_PRIORITY, LOCATOR_MAIN_PRIORITY, LOCATOR_DISCARD_PRIORITY];

/** Locators of segue's rules, by which other objects of segue's are recognised without an intent. */
export function discardedLocators(kernel: Kernel): Set<string> {
  const rules = kernel.socket.dump(dumpRulesRequest(6), decodeRule).filter(isOurRule);
  return new Set(rules.flatMap(({ priority, to }) => (LOCATOR_PRIORITIES.includes(priority) ? (to ?? []) : [])));
}

/** Prefixes of the outer sources of segue's rules: sources of encapsulated packets, and the locators' default sources. */
export function sourcesOfRules(kernel: Kernel): Set<string> {
  const rules = kernel.socket.dump(dumpRulesRequest(6), decodeRule).filter(isOurRule);
  return new Set(
    rules.flatMap(({ priority, from, to }) => {
      if (priority === OUTER_RULE_PRIORITY) return from ?? [];
      return priority === LOCATOR_DISCARD_PRIORITY && to !== undefined ? hostPrefix(`${prefixAddress(to)}1`) : [];
    }),
  );
}

/** Policy rules, recognised by protocol, priority and form. The local rule is a separate resource. */
export const ruleResource: Resource<'rule'> = {
  name: 'rule',
  after: ['guard'],
  follows: { rule: () => true },

  list(kernel) {
    const found = new Map<string, Rule>();
    for (const rule of kernel.socket.dump(dumpRulesRequest(6), decodeRule)) {
      if (!isOurRule(rule)) continue;
      const base = ruleKey(6, rule.priority);
      let key = base;
      // A second rule at the same priority is never planned, so it is removed.
      for (let n = 2; found.has(key); n++) key = `${base} #${n}`;
      found.set(key, fromKernel(rule));
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ desired, actual }) => [
      ...(actual === undefined ? [] : [deleteRule(toKernel(actual))]),
      ...(desired === undefined ? [] : [createRule(toKernel(desired))]),
    ]),

  describe(_key, { family, priority, from, to, iif, action, table, l3mdev, suppressPrefixLength }) {
    const words = [`rule ${family === 4 ? '-4' : '-6'} pref ${priority}`];
    if (from !== undefined) words.push('from', from);
    if (to !== undefined) words.push('to', to);
    if (iif !== undefined) words.push('iif', iif);
    if (l3mdev === true) words.push('l3mdev');
    words.push(action === 'table' ? `lookup ${table}` : action);
    if (suppressPrefixLength !== undefined) words.push('suppress_prefixlength', String(suppressPrefixLength));
    return words.join(' ');
  },
};

/** `from all lookup local`, at any priority. */
export function isLocalRule(rule: KernelRule): boolean {
  return rule.action === 'table' && rule.table === 255 && rule.from === undefined && rule.to === undefined;
}

function toKernel(rule: Rule): RuleSpec {
  const { family, priority, from, to, iif, action, table, l3mdev, suppressPrefixLength } = rule;
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
    ...(suppressPrefixLength !== undefined && { suppressPrefixLength }),
  };
}

function fromKernel(rule: KernelRule): Rule {
  const { family, priority, from, to, iif, action, table, l3mdev, suppressPrefixLength } = rule;
  return {
    family,
    priority,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(iif !== undefined && { iif }),
    action: action as Rule['action'],
    ...(action === 'table' && !l3mdev && { table }),
    ...(l3mdev && { l3mdev }),
    ...(suppressPrefixLength !== undefined && { suppressPrefixLength }),
  };
}
