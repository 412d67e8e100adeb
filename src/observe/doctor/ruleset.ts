/** Finds rules of others that would drop tenants' packets in `nft -j list ruleset` (libnftables-json(5)). */

interface Chain {
  family: string;
  table: string;
  name: string;
  hook?: string;
  policy?: string;
}

export interface ForeignRules {
  /** Forward chains with the policy drop: `ip filter FORWARD`. */
  forwardDrops: string[];
  /** Chains with a rule that drops `ct state invalid`, in families and hooks that tenants' packets traverse. */
  invalidDrops: string[];
}

const OURS = 'segue';

/** @param text the whole ruleset */
export function readForeignRules(text: string): ForeignRules {
  const { nftables } = JSON.parse(text) as { nftables: Record<string, unknown>[] };
  const chains = new Map<string, Chain>();
  const found: ForeignRules = { forwardDrops: [], invalidDrops: [] };
  for (const entry of nftables) {
    const chain = entry.chain as Chain | undefined;
    if (chain === undefined || chain.table === OURS || !['ip', 'ip6', 'inet'].includes(chain.family)) continue;
    const key = `${chain.family} ${chain.table} ${chain.name}`;
    chains.set(key, chain);
    if (chain.hook === 'forward' && chain.policy === 'drop') found.forwardDrops.push(key);
  }
  for (const entry of nftables) {
    const rule = entry.rule as { family: string; table: string; chain: string; expr?: unknown[] } | undefined;
    if (rule?.expr === undefined) continue;
    const key = `${rule.family} ${rule.table} ${rule.chain}`;
    if (!chains.has(key) || found.invalidDrops.includes(key)) continue;
    if (rule.expr.some(isInvalidMatch) && rule.expr.some(isDrop)) found.invalidDrops.push(key);
  }
  return found;
}

function isInvalidMatch(expression: unknown): boolean {
  const { match } = expression as { match?: { left?: { ct?: { key?: string } }; right?: unknown; op?: string } };
  if (match?.left?.ct?.key !== 'state' || match.op === '!=') return false;
  return JSON.stringify(match.right).includes('"invalid"');
}

function isDrop(expression: unknown): boolean {
  return typeof expression === 'object' && expression !== null && ('drop' in expression || 'reject' in expression);
}
