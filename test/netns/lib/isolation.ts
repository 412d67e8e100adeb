/** The network of the isolation tests: two tenants with the same addresses, a VM of each on each of two hypervisors. */
import type { Topology } from '../../../lab/topology.js';

export const GATEWAY = { 4: '10.0.0.1', 6: 'fd00:10::1' } as const;
export const A = { 4: '10.0.0.10', 6: 'fd00:10::a', mac: '02:00:00:00:00:0a' } as const;
export const B = { 4: '10.0.0.20', 6: 'fd00:10::b', mac: '02:00:00:00:00:0b' } as const;

/** red-a and blue-a are on hv1, red-b and blue-b on hv2; the same addresses in both tenants. */
export function isolationTopology(): Omit<Topology, 'prefix'> {
  const subnets = [
    { prefix: '10.0.0.0/24', gateway: GATEWAY[4] },
    { prefix: 'fd00:10::/64', gateway: GATEWAY[6] },
  ];
  const vm = (tenant: string, letter: 'a' | 'b'): Topology['vms'][number] => {
    const { mac, 4: v4, 6: v6 } = letter === 'a' ? A : B;
    return { name: `${tenant}-${letter}`, tenant, node: letter === 'a' ? 'hv1' : 'hv2', mac, addresses: [v4, v6] };
  };
  return {
    sidBlock: 'fd00:5e::/32',
    nodes: [
      { name: 'hv1', role: 'hypervisor', locator: 'fd00:5e:1::/48' },
      { name: 'hv2', role: 'hypervisor', locator: 'fd00:5e:2::/48' },
    ],
    tenants: [
      { name: 'red', id: 100, subnets },
      { name: 'blue', id: 200, subnets },
    ],
    vms: [vm('red', 'a'), vm('red', 'b'), vm('blue', 'a'), vm('blue', 'b')],
    paths: [],
  };
}

/** UDP ports that tell what was sent from what else there is. */
export const MARK = 40404;
