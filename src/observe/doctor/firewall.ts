import { inNetns } from 'netlink-ts';
import { readFileSync } from 'node:fs';
import { readForeignRules } from './ruleset.js';
import { listed } from '../../reconcile/findings.js';
import { Findings } from './types.js';
import type { Check, CheckContext } from './types.js';

/** The probable owner of a table, for the advice. */
const OWNERS: readonly [pattern: RegExp, owner: string][] = [
  [/^inet firewalld /, 'firewalld'],
  [/^ip6? filter FORWARD$/, 'iptables (Docker sets its policy)'],
];

/** Checks firewalls of others that would drop tenants' packets. */
export async function checkFirewall({ instance, applied, alone, hasNft }: CheckContext): Promise<Check[]> {
  const { kernel } = instance;
  const findings = new Findings('firewall');
  // Tenants' packets bypass all netfilter hooks.
  if (alone || !hasNft) return findings.checks;
  let text: string;
  try {
    text = await kernel.nft(['-j', 'list', 'ruleset']);
  } catch (error) {
    findings.fail('nft', 'the ruleset cannot be listed', error instanceof Error ? error.message : String(error));
    return findings.checks;
  }
  const { forwardDrops, invalidDrops } = readForeignRules(text);
  if (forwardDrops.length === 0) findings.ok('forward', 'no foreign chain drops forwarded packets by default');
  for (const chain of forwardDrops) {
    findings.warn(
      'forward',
      `nft chain ${chain} has policy drop${ownerOf(chain)}`,
      'tenants\' packets pass the forward hook with iif sg-*: make the chain accept iifname "sg-*", or it drops them',
    );
  }
  if (invalidDrops.length > 0) {
    const guarded = /"table": *\{[^}]*"name": *"segue"/.test(text);
    const what = `ct state invalid is dropped in ${listed(invalidDrops)}`;
    if (guarded) findings.ok('invalid', `${what}; the guard keeps tenants' packets out of connection tracking`);
    else if (applied)
      findings.fail(
        'invalid',
        what,
        "the guard's tables are missing, so tenants' TCP is tracked and breaks: run segue apply",
      );
    else
      findings.warn('invalid', what, "the guard's notrack keeps tenants' packets out of it once segue apply has run");
  }
  const legacy = legacyTables(kernel.netns);
  if (legacy.includes('filter')) {
    findings.warn(
      'legacy',
      'iptables-legacy has a filter table, which nft does not show',
      'check its FORWARD chain: iptables-legacy -S FORWARD; ip6tables-legacy -S FORWARD',
    );
  }
  return findings.checks;
}

function ownerOf(chain: string): string {
  const owner = OWNERS.find(([pattern]) => pattern.test(chain))?.[1];
  return owner === undefined ? '' : `: ${owner}`;
}

/** Tables of legacy iptables in a namespace; the files are missing without its modules. */
function legacyTables(netns: string | undefined): string[] {
  return inNetns(netns, () =>
    ['ip_tables_names', 'ip6_tables_names'].flatMap((file) => {
      try {
        return readFileSync(`/proc/thread-self/net/${file}`, 'utf8').split('\n');
      } catch {
        return [];
      }
    }),
  );
}
