/**
 * Addresses must determine who may talk to whom: a network node finds a packet's tenant only by its destination. So the addresses that a tenant may
 * reach in another must overlap neither its own nor those that it may reach in a third.
 */
import { prefixOverlaps } from 'netlink-ts/inet';
import type { PrefixField } from '../../intent/fields.js';
import type { Findings, IssuePath } from '../../intent/findings.js';
import { PrefixIndex } from '../../intent/prefix-index.js';

/** One end of a policy. */
export interface Party {
  kind: 'tenant' | 'external';
  name: string;
  /** All its prefixes. */
  own: readonly PrefixField[];
  /** Prefixes that the policy names; absent: all. */
  prefixes?: readonly PrefixField[];
}

/** Addresses of a party that another may reach. */
interface Reach {
  peer: Party;
  prefix: PrefixField;
  at: IssuePath;
}

interface Reacher {
  party: Party;
  /** By peer and prefix. */
  reaches: Map<string, Reach>;
}

/** The party's own addresses that a policy's end covers: of two overlapping prefixes, the longer is inside the other. */
function covered({ own, prefixes }: Party): readonly PrefixField[] {
  if (!prefixes) return own;
  return prefixes.flatMap((given) =>
    own.filter((one) => prefixOverlaps(one, given)).map((one) => (one.length > given.length ? one : given)),
  );
}

const text = ({ kind, name }: Party): string => (kind === 'tenant' ? `tenant ${name}` : `external network ${name}`);

export class Talking {
  readonly #findings: Findings;
  readonly #reachers = new Map<string, Reacher>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Records that one party may open connections to another; replies take the opposite direction. */
  note(from: Party, to: Party, fromAt: IssuePath, toAt: IssuePath): void {
    this.#reach(from, to, toAt);
    this.#reach(to, from, fromAt);
  }

  /** Reports parties that addresses do not distinguish, once for each pair of parties. */
  check(): void {
    for (const { party, reaches } of this.#reachers.values()) {
      const reported = new Set<string>();
      const refuse = (reach: Reach, other: Party, overlapping: PrefixField): void => {
        const pair = `${reach.peer.kind} ${reach.peer.name} ${other.kind} ${other.name}`;
        if (reported.has(pair)) return;
        reported.add(pair);
        const why = other === party ? 'its own' : `that of ${text(other)}`;
        const expected =
          `addresses that ${text(party)} can tell apart; ${reach.prefix.text} of ${text(reach.peer)} overlaps ` +
          `${overlapping.text}, ${why}`;
        this.#findings.add(reach.at, reach.peer.name, expected);
      };
      const index = new PrefixIndex<Reach>();
      // Shortest prefixes first, so that each finds those that contain it.
      for (const reach of [...reaches.values()].sort((a, b) => a.prefix.length - b.prefix.length)) {
        if (party.kind === 'tenant' && reach.peer.kind === 'tenant') {
          const own = party.own.find((one) => prefixOverlaps(one, reach.prefix));
          if (own) refuse(reach, party, own);
        }
        for (const other of index.covering(reach.prefix.bytes, reach.prefix.length)) {
          if (other.peer.kind === reach.peer.kind && other.peer.name === reach.peer.name) continue;
          // Inside a wider external network a tenant's longer prefix identifies it; likewise for two external networks.
          const isLonger = other.prefix.length < reach.prefix.length && other.peer.kind === 'external';
          if (!isLonger) refuse(reach, other.peer, other.prefix);
        }
        index.add(reach.prefix, reach);
      }
    }
  }

  #reach(party: Party, peer: Party, at: IssuePath): void {
    const key = `${party.kind} ${party.name}`;
    const reacher = this.#reachers.get(key) ?? { party, reaches: new Map<string, Reach>() };
    this.#reachers.set(key, reacher);
    for (const prefix of covered(peer)) {
      const place = `${peer.kind} ${peer.name} ${prefix.text}`;
      if (!reacher.reaches.has(place)) reacher.reaches.set(place, { peer, prefix, at });
    }
  }
}
