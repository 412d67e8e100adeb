/** The cloud that policies are measured on: many tenants behind one network node, and so many policies between them. */
import { addressText, tenantSubnet } from './numbers.js';

export const TENANTS = 500;
const HYPERVISORS = 50;
/** A tenant's policies lead to those so many further on: 2,000 pairs when all are used. */
const STEPS = [1, 2, 5, 11] as const;
/** Of one pair: every table of a set is asked (bpf/state/policy.h). */
export const POLICIES_PER_PAIR = 5;
export const POLICIES_MAX = TENANTS * STEPS.length * POLICIES_PER_PAIR;
export const SID_BLOCK = 'fd00:5e::/32';
export const NODE_LOCATOR = 'fd00:5e:ffff::';

export interface Pair {
  from: number;
  to: number;
}

/** The pairs that so many policies are between. Tenants by their id, 1 to TENANTS. */
export function pairsOf(policies: number): Pair[] {
  return Array.from({ length: policies / POLICIES_PER_PAIR }, (_, index) => {
    const from = (index % TENANTS) + 1;
    const step = STEPS[Math.floor(index / TENANTS)] ?? 0;
    return { from, to: ((from - 1 + step) % TENANTS) + 1 };
  });
}

/** The lowest port that the last, wide policy of a pair allows: what is measured goes to such ports. */
export const OPEN_PORTS_FROM = 1024;

/** A pair's policies: by ports alone, by prefixes of either side and of both, denials before what they take out of it. */
function policiesOf({ from, to }: Pair, index: number): object[] {
  const [source, destination] = [{ tenant: `t${from}` }, { tenant: `t${to}` }];
  const part = (tenant: number, length: number, family: 4 | 6): string => `${tenantSubnet(tenant, family)}/${length}`;
  const low = 1 + ((index * 37) % 900);
  const of = (what: string, rest: object): object => ({
    name: `t${from}-t${to}-${what}`,
    from: source,
    to: destination,
    ...rest,
  });
  return [
    of('web', { protocol: 'tcp', ports: [80, 443, '8000-8100'], action: 'allow', priority: 100 }),
    of('from', {
      ...{ from: { ...source, prefixes: [part(from, 28, 4), part(from, 120, 6)] }, protocol: 'udp' },
      ...{ ports: [low, `${low + 10}-${low + 20}`], action: 'deny', priority: 10 },
    }),
    of('to', {
      ...{ to: { ...destination, prefixes: [part(to, 27, 4), part(to, 112, 6)] }, protocol: 'udp' },
      ...{ ports: [low + 5, `${low + 30}-${low + 40}`], action: 'allow', priority: 20 },
    }),
    of('both', {
      from: { ...source, prefixes: [part(from, 29, 4)] },
      to: { ...destination, prefixes: [part(to, 29, 4)] },
      ...{ protocol: 'any', action: 'allow', priority: 30 },
    }),
    of('high', { protocol: 'udp', ports: [`${OPEN_PORTS_FROM}-65535`], action: 'allow', priority: 200 }),
  ];
}

/** Where a tenant's port has its address: in the part of the subnet that the policies' prefixes name, and beyond it. */
export const HOSTS = [2, 3, 20, 100] as const;

/** The intent file as a machine writes it. @param node the network node's name */
export function intentJson(node: string, policies: number): string {
  const tenants = Array.from({ length: TENANTS }, (_, i) => i + 1);
  return JSON.stringify({
    version: 1,
    sidBlock: SID_BLOCK,
    nodes: [
      { name: node, locator: `${NODE_LOCATOR}/48` },
      ...Array.from({ length: HYPERVISORS }, (_, i) => ({
        name: `hv${i + 1}`,
        locator: `fd00:5e:${(i + 1).toString(16)}::/48`,
      })),
    ],
    tenants: tenants.map((id) => ({
      ...{ name: `t${id}`, id },
      subnets: ([4, 6] as const).map((family) => ({
        prefix: `${tenantSubnet(id, family)}/${family === 4 ? 24 : 64}`,
        gateway: addressText(id, family, 1),
      })),
    })),
    ports: tenants.flatMap((id) =>
      HOSTS.map((host, index) => ({
        ...{ name: `t${id}-${index}`, tenant: `t${id}`, node: `hv${((id + index) % HYPERVISORS) + 1}` },
        ...{
          interface: `t${id}p${index}`,
          addresses: ([4, 6] as const).map((family) => addressText(id, family, host)),
        },
        mac: `02:00:00:${[id >> 8, id & 255, index].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
      })),
    ),
    gateways: [{ name: 'gw', nodes: [node], tenants: tenants.map((id) => `t${id}`) }],
    policies: pairsOf(policies).flatMap(policiesOf),
  });
}
