/** Addresses of other zones that a zone may reach, by which a network node finds the destination's zone. */
import { prefixOverlaps } from 'netlink-ts/inet';
import { externalOf, zoneOf } from './view.js';
import type { ZoneName } from './view.js';
import type { IntentView } from '../plan/view.js';
import type { PolicyEnd } from './types.js';

/** A prefix of another zone. */
export interface Reach {
  peer: ZoneName;
  prefix: string;
}

/** All prefixes of a zone: a tenant's subnets and prefixes behind its ports, or an external network's prefixes. */
function prefixesOf(view: IntentView, zone: ZoneName): string[] {
  const external = externalOf(zone);
  if (external !== undefined) return view.steering.externals.get(external)?.prefixes ?? [];
  const routed = [...(view.routedPorts.get(zone)?.values() ?? [])];
  return [
    ...(view.tenants.get(zone)?.subnets.map(({ prefix }) => prefix) ?? []),
    ...routed.flatMap(({ prefixes }) => prefixes),
  ];
}

/** A zone's own prefixes that a policy's end covers: of two overlapping ones, the longer is inside the other. */
function covered(own: readonly string[], { prefixes }: PolicyEnd): readonly string[] {
  if (prefixes === undefined) return own;
  return prefixes.flatMap((given) =>
    own.filter((one) => prefixOverlaps(one, given)).map((one) => (lengthOf(one) > lengthOf(given) ? one : given)),
  );
}

function lengthOf(prefix: string): number {
  return Number(prefix.slice(prefix.lastIndexOf('/') + 1));
}

/**
 * The prefixes that policies in either direction name, with the zone of each. Prefixes of permissions are disjoint, or the intent was refused.
 * Prefixes that only denials name are omitted if they overlap others, since they are unreachable anyway.
 */
export function zoneRoutes(view: IntentView, zone: ZoneName): Reach[] {
  const { steering } = view;
  const found = new Map<string, ZoneName>();
  const denied: Reach[] = [];
  for (const peer of steering.peersOf(zone)) {
    const own = prefixesOf(view, peer);
    for (const policy of [...steering.policiesOf(zone, peer), ...steering.policiesOf(peer, zone)]) {
      const end = zoneOf(policy.to) === peer ? policy.to : policy.from;
      for (const prefix of covered(own, end)) {
        if (policy.action === 'allow') found.set(prefix, peer);
        else denied.push({ peer, prefix });
      }
    }
  }
  if (denied.length > 0) {
    const mine = externalOf(zone) === undefined ? prefixesOf(view, zone) : [];
    for (const { peer, prefix } of denied) {
      // Inside a wider external network a tenant's longer prefix identifies it.
      const isAnothers = [...found].some(
        ([other, owner]) =>
          owner !== peer &&
          prefixOverlaps(other, prefix) &&
          (externalOf(owner) === undefined || lengthOf(other) >= lengthOf(prefix)),
      );
      if (!isAnothers && !mine.some((one) => prefixOverlaps(one, prefix))) found.set(prefix, peer);
    }
  }
  return [...found].map(([prefix, peer]) => ({ peer, prefix }));
}
