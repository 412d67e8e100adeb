/** The cloud that the control-plane measurements run on: made from a few numbers, the same in every run. */
import type { Intent, IntentNode, Port, Tenant } from '../../src/intent/types.js';

export interface WorkloadOptions {
  /** Ports on nodes other than the one measured. */
  remotePorts: number;
  /** Tenants; each has one port on the node measured. */
  tenants: number;
  /** Nodes other than the one measured. */
  nodes: number;
  placement: Placement;
}

/**
 * Where a tenant's ports are. `dealt`: ports go to tenants and nodes in turn, as cards are dealt. A number: each port is on
 * one of so many nodes of its tenant, drawn at random; with as many as there are nodes nearly every port is alone of its
 * tenant on its node, and hardly a next hop is shared.
 */
export type Placement = 'dealt' | number;

/** The node that is measured. */
export const SELF = 'bench-hv0';

/** Numbers that look random and are the same in every run: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SEED = 5;

/**
 * Every tenant has the same subnet and uses its addresses from the bottom up, so tenants' addresses overlap in full.
 *
 * @throws RangeError when a number is out of what the layout holds
 */
export function makeIntent({ remotePorts, tenants, nodes, placement }: WorkloadOptions): Intent {
  const perTenant = Math.ceil(remotePorts / tenants);
  if (perTenant > 65_000) throw new RangeError(`${perTenant} ports a tenant: expected at most 65000`);
  if (nodes < 1 || nodes > 65_000) throw new RangeError(`${nodes} nodes: expected 1 to 65000`);
  if (placement !== 'dealt' && (placement < 1 || placement > nodes)) {
    throw new RangeError(`${placement} nodes a tenant: expected 1 to ${nodes}`);
  }
  const random = randomFrom(SEED);
  const ports: Port[] = [];
  const tenantList: Tenant[] = [];
  for (let t = 0; t < tenants; t++) {
    const tenant = `tenant-${t}`;
    const subnet = { prefix: '10.0.0.0/16', gateway: '10.0.0.1' };
    tenantList.push({ name: tenant, id: 100 + t, subnets: [subnet], dscp: 'copy' });
    ports.push(port(tenant, t, 0, SELF));
    // Of 100,000 ports over 256 tenants some have one more than others.
    const count = Math.floor(((t + 1) * remotePorts) / tenants) - Math.floor((t * remotePorts) / tenants);
    const home = Math.floor(random() * nodes);
    for (let p = 1; p <= count; p++) {
      const node = placement === 'dealt' ? (p - 1) * tenants + t : home + Math.floor(random() * placement);
      ports.push(port(tenant, t, p, `hv${(node % nodes) + 1}`));
    }
  }
  return { version: 1, sidBlock: 'fd00:5e::/32', nodes: nodeList(nodes), tenants: tenantList, ports, paths: [] };
}

function port(tenant: string, tenantIndex: number, index: number, node: string): Port {
  const host = index + 10;
  return {
    name: `${tenant}-${index}`,
    tenant,
    node,
    interface: `t${tenantIndex}p${index}`,
    mac: `02:00:${hex(tenantIndex >> 8)}:${hex(tenantIndex & 255)}:${hex(host >> 8)}:${hex(host & 255)}`,
    addresses: [`10.0.${host >> 8}.${host & 255}`],
    prefixes: [],
  };
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function nodeList(nodes: number): IntentNode[] {
  return Array.from({ length: nodes + 1 }, (_, i) => {
    const locator = `fd00:5e:${(i + 1).toString(16)}::`;
    return { name: i === 0 ? SELF : `hv${i}`, locator: `${locator}/48`, source: `${locator}1` };
  });
}

/** The intent file that a machine would write: what has a default is left out. */
export function intentFile(intent: Intent): string {
  const { version, sidBlock, nodes, tenants, ports } = intent;
  return JSON.stringify({
    version,
    sidBlock,
    nodes: nodes.map(({ name, locator }) => ({ name, locator })),
    tenants: tenants.map(({ name, id, subnets }) => ({ name, id, subnets })),
    ports: ports.map(({ prefixes: _none, ...rest }) => rest),
  });
}
