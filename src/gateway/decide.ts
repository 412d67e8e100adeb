/**
 * Finds the policy of a set that decides about a connection, as bpf/state/policy.h does. `segue trace` uses it to predict and explain decisions.
 */
import { parsePrefix, prefixContains } from 'netlink-ts/inet';
import type { ClassPrefix, PolicyBoundary, PolicySet } from './policy-set.js';

/** The first packet of a connection. */
export interface Opening {
  source: string;
  destination: string;
  /** IP protocol number. */
  protocol: number;
  /** Destination port of TCP and UDP. */
  destinationPort?: number;
}

/** The deciding policy; undefined: no policy matches. */
export type Decision = (PolicyBoundary & { policy: string }) | undefined;

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;

/** The protocol number in policies: ICMPv6 counts as ICMP, and 0 stands for all protocols other than TCP, UDP and ICMP. */
function policyProtocol(protocol: number): number {
  if (protocol === ICMPV6) return ICMP;
  return protocol === ICMP || protocol === TCP || protocol === UDP ? protocol : 0;
}

/** The class of an address: that of its longest matching prefix; 0: no prefix matches. */
function classOf(classes: readonly ClassPrefix[], address: string): number {
  let found = 0;
  let longest = -1;
  for (const { prefix, id } of classes) {
    const result = parsePrefix(prefix);
    if (!result.ok || result.prefix.length <= longest || !prefixContains(result.prefix, address)) continue;
    found = id;
    longest = result.prefix.length;
  }
  return found;
}

/** Looks up a set's rules for any address, for the source's class, for the destination's, and for both; the lowest rank decides. */
export function decide({ sources, destinations, rules }: PolicySet, opening: Opening): Decision {
  const protocol = policyProtocol(opening.protocol);
  const port = protocol === TCP || protocol === UDP ? (opening.destinationPort ?? 0) : 0;
  const source = classOf(sources, opening.source);
  const dest = classOf(destinations, opening.destination);
  let best: Decision;
  for (const rule of rules) {
    if (rule.protocol !== protocol) continue;
    if ((rule.source !== 0 && rule.source !== source) || (rule.dest !== 0 && rule.dest !== dest)) continue;
    const boundary = rule.ports.findLast(({ first }) => first <= port);
    if (boundary?.policy === undefined || (best !== undefined && boundary.rank >= best.rank)) continue;
    best = { ...boundary, policy: boundary.policy };
  }
  return best;
}
