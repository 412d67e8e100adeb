/** A cloud of any size, whose nodes, tenants and ports are computed from its numbers. */
import type { EntityValue } from '../../src/fleet/types.js';
import type { IntentNode, Port, Tenant } from '../../src/intent/types.js';

export interface CloudSize {
  nodes: number;
  ports: number;
  tenants: number;
  /** Number of nodes with ports of a tenant. */
  spread: number;
}

export interface Wish {
  key: string;
  after: EntityValue;
}

const BLOCK = 'fd00:5e::/32';
/** Addresses of ports in 10.0.0.0/8 start here. */
const FIRST_ADDRESS = 10;

export function nodeName(n: number): string {
  return `hv${n}`;
}

function locator(n: number): string {
  // /48 prefixes of the block: the third group is the number of the node.
  return `fd00:5e:${(n + 1).toString(16)}::`;
}

function nodeOf(n: number): IntentNode {
  return { name: nodeName(n), locator: `${locator(n)}/48`, source: `${locator(n)}1` };
}

function tenantOf(t: number): Tenant {
  return { name: `t${t}`, id: t + 1, subnets: [{ prefix: '10.0.0.0/8', gateway: '10.0.0.1' }], dscp: 'copy' };
}

/** The i-th port of a tenant. @param version determines its address */
export function portOf(
  size: CloudSize,
  t: number,
  i: number,
  { node, version = 0 }: { node?: number; version?: number } = {},
): Port {
  const n = portsOf(size, t) * version + i + FIRST_ADDRESS;
  const hex = (value: number, bytes: number): string =>
    Array.from({ length: bytes }, (_, at) =>
      ((value >> (8 * (bytes - 1 - at))) & 255).toString(16).padStart(2, '0'),
    ).join(':');
  return {
    name: `t${t}-p${i}`,
    tenant: `t${t}`,
    node: nodeName(node ?? nodeOfPort(size, t, i)),
    interface: `v${t.toString(36)}x${i.toString(36)}`,
    mac: `02:00:${hex(i, 4)}`,
    addresses: [`10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`],
    prefixes: [],
  };
}

export function portsOf({ ports, tenants }: CloudSize, t: number): number {
  return Math.floor(ports / tenants) + (t < ports % tenants ? 1 : 0);
}

/** Tenants start at different nodes, so that ports are distributed evenly. */
export function nodeOfPort({ nodes, tenants, spread }: CloudSize, t: number, i: number): number {
  const first = Math.floor((t * nodes) / tenants);
  return (first + (i % spread)) % nodes;
}

export function domainWishes({ nodes }: CloudSize): Wish[] {
  return [
    { key: 'block', after: BLOCK },
    ...Array.from({ length: nodes }, (_, n) => ({ key: `node/${nodeName(n)}`, after: nodeOf(n) })),
  ];
}

/** Tenants with their ports, in batches of some thousand entities. */
export function* tenantWishes(size: CloudSize, batch = 2000): Generator<Wish[]> {
  let wishes: Wish[] = [];
  for (let t = 0; t < size.tenants; t++) {
    wishes.push({ key: `tenant/t${t}`, after: tenantOf(t) });
    for (let i = 0; i < portsOf(size, t); i++) wishes.push(portWish(portOf(size, t, i)));
    if (wishes.length >= batch) {
      yield wishes;
      wishes = [];
    }
  }
  yield wishes;
}

export function portWish(port: Port): Wish {
  return { key: `port/${port.tenant}/${port.name}`, after: port };
}
