/**
 * Who may talk to whom must be tellable by addresses: a network node finds the tenant a packet is for by its destination alone.
 * So what a tenant may reach in others must lie apart from its own addresses, and from what it may reach in third ones.
 */
import { prefixOverlaps } from 'netlink-ts/inet';
import type { PrefixField } from '../fields.js';
import type { Findings, IssuePath } from '../findings.js';
import { PrefixIndex } from '../prefix-index.js';

/** One end of a policy. */
export interface Party {
  kind: 'tenant' | 'external';
  name: string;
  /** All prefixes it has. */
  own: readonly PrefixField[];
  /** What the policy names of them; absent: all. */
  prefixes?: readonly PrefixField[];
}

/** Addresses of a party that another one may reach. */
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

/** What a policy's end covers of the party's own addresses: of two prefixes that overlap the longer is inside the other. */
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

  /** Notes that one party may open connections to another; replies go the other way. */
  note(from: Party, to: Party, fromAt: IssuePath, toAt: IssuePath): void {
    this.#reach(from, to, toAt);
    this.#reach(to, from, fromAt);
  }

  /** Reports what cannot be told apart, once for each pair of parties. */
  check(): void {
    for (const { party, reaches } of this.#reachers.values()) {
      const told = new Set<string>();
      const refuse = (reach: Reach, other: Party, overlapping: PrefixField): void => {
        const pair = `${reach.peer.kind} ${reach.peer.name} ${other.kind} ${other.name}`;
        if (told.has(pair)) return;
        told.add(pair);
        const why = other === party ? 'its own' : `that of ${text(other)}`;
        const expected =
          `addresses that ${text(party)} can tell apart; ${reach.prefix.text} of ${text(reach.peer)} overlaps ` +
          `${overlapping.text}, ${why}`;
        this.#findings.add(reach.at, reach.peer.name, expected);
      };
      const index = new PrefixIndex<Reach>();
      // The shortest first, so that each meets what contains it.
      for (const reach of [...reaches.values()].sort((a, b) => a.prefix.length - b.prefix.length)) {
        if (party.kind === 'tenant' && reach.peer.kind === 'tenant') {
          const own = party.own.find((one) => prefixOverlaps(one, reach.prefix));
          if (own) refuse(reach, party, own);
        }
        for (const other of index.covering(reach.prefix.bytes, reach.prefix.length)) {
          if (other.peer.kind === reach.peer.kind && other.peer.name === reach.peer.name) continue;
          // A tenant inside a wider external network is told by its longer prefix; two externals are by theirs.
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
