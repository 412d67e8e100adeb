/** Entities of a small cloud for tests of the fleet. */
import type { EntityValue } from '../../../src/fleet/types.js';
import type { Intent, Port } from '../../../src/intent/types.js';

export function portOf(n: number, { tenant = 'red', node = 'hv1', ...rest }: Partial<Port> = {}): Port {
  const hex = (byte: number): string => (byte & 255).toString(16).padStart(2, '0');
  return {
    ...{ name: `p${n}`, tenant, node, interface: `tap${n}`, mac: `02:00:00:00:${hex(n >> 8)}:${hex(n)}` },
    ...{ addresses: [`10.0.${n >> 7}.${(n & 127) + 10}`], prefixes: [], ...rest },
  };
}

export const wish = (port: Port): { key: string; after: EntityValue } => ({
  key: `port/${port.tenant}/${port.name}`,
  after: port,
});

/** Two hypervisors, two tenants, no ports. */
export const CLOUD: Intent = {
  version: 1,
  sidBlock: 'fd00:5e::/32',
  nodes: [
    { name: 'hv1', locator: 'fd00:5e:1::/48', source: 'fd00:5e:1::1' },
    { name: 'hv2', locator: 'fd00:5e:2::/48', source: 'fd00:5e:2::1' },
  ],
  tenants: [
    { name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/16', gateway: '10.0.0.1' }], dscp: 'copy' },
    { name: 'blue', id: 2, subnets: [{ prefix: '10.0.0.0/16', gateway: '10.0.0.1' }], dscp: 'copy' },
  ],
  ports: [],
  paths: [],
};

export const cloudWishes = (): { key: string; after: EntityValue }[] => [
  { key: 'block', after: CLOUD.sidBlock },
  ...CLOUD.nodes.map((after) => ({ key: `node/${after.name}`, after })),
  ...CLOUD.tenants.map((after) => ({ key: `tenant/${after.name}`, after })),
];
