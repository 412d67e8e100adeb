/** The guard as tests see it: what it counted, and rules taken out of it. */
import { readGuardCounters } from '../../../src/observe/inspect/guard-counters.js';
import type { TestNetwork } from './network.js';

interface RuleEntry {
  rule?: { chain: string; handle: number; expr: Record<string, unknown>[] };
}

/** Packets dropped so far, by reason. */
export async function dropped(network: TestNetwork, node: string): Promise<Record<string, number>> {
  const counters = await readGuardCounters(network.instance(node).kernel);
  return Object.fromEntries(counters.map(({ reason, packets }) => [reason, packets]));
}

/** Takes the rules out of a chain of ours that match; there must be one. */
export async function removeRules(
  network: TestNetwork,
  node: string,
  chain: string,
  matches: (expression: string) => boolean,
): Promise<void> {
  const listing = await network.output(node, ['nft', '-j', 'list', 'chain', ...chain.split(' ')]);
  const { nftables } = JSON.parse(listing) as { nftables: RuleEntry[] };
  const handles = nftables
    .filter(({ rule }) => rule !== undefined && matches(JSON.stringify(rule.expr)))
    .map(({ rule }) => rule?.handle ?? 0);
  if (handles.length === 0) throw new Error(`${node}: chain ${chain} has no such rule`);
  await network.shell(node, handles.map((handle) => `nft delete rule ${chain} handle ${handle}`).join('\n'));
}

/** Takes out the rule of a chain that drops for a reason: `inet segue port4`, `source`. */
export function removeDrop(network: TestNetwork, node: string, chain: string, reason: string): Promise<void> {
  return removeRules(network, node, chain, (expression) =>
    expression.includes(`"drop_${reason.replaceAll('-', '_')}"`),
  );
}
