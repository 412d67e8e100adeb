/** The networks the tests stand on. */
import { endSid } from '../../../lab/topology.js';
import type { LabNode, Topology } from '../../../lab/topology.js';
import type { Behaviours, Dataplane, XdpMode } from '../../../src/intent/types.js';

export interface SelftestOptions {
  /** of each hypervisor; default dt46 */
  behaviours?: { hv1?: Behaviours; hv2?: Behaviours };
  /** transit nodes on the way in both directions, in the order hv1 to hv2; default none */
  transits?: number;
  /** of each hypervisor; default kernel */
  dataplane?: { hv1?: Dataplane; hv2?: Dataplane };
  /** of both hypervisors; default auto */
  xdp?: XdpMode;
  underlayMtu?: number;
}

/**
 * The network of the kernel's selftest for End.DT46 (tools/testing/selftests/net/srv6_end_dt46_l3vpn_test.sh): two
 * routers, tenants 100 and 200 with the same subnets, hosts 1 and 3 behind one router, 2 and 4 behind the other. Here a
 * router of the underlay and up to two transit nodes are between them.
 */
export function selftestTopology(options: SelftestOptions = {}): Omit<Topology, 'prefix'> {
  const { behaviours = {}, dataplane = {}, xdp, transits = 0, underlayMtu } = options;
  const subnets = [
    { prefix: '10.0.0.0/24', gateway: '10.0.0.254' },
    { prefix: 'cafe::/64', gateway: 'cafe::254' },
  ];
  const transit: LabNode[] = [
    { name: 'tr1', role: 'transit' as const, locator: 'fd00:5e:91::/48' },
    { name: 'tr2', role: 'transit' as const, locator: 'fd00:5e:92::/48' },
  ].slice(0, transits);
  const host = (tenant: number, number: number, node: string): Topology['vms'][number] => ({
    name: `t${tenant}-${number}`,
    tenant: `t${tenant}`,
    node,
    mac: `02:00:00:00:00:0${number}`,
    addresses: [`10.0.0.${number}`, `cafe::${number}`],
  });
  const via = transit.map(endSid);
  return {
    sidBlock: 'fd00:5e::/32',
    ...(underlayMtu !== undefined && { underlayMtu }),
    nodes: [
      {
        name: 'hv1',
        role: 'hypervisor',
        locator: 'fd00:5e:1::/48',
        ...(behaviours.hv1 && { behaviours: behaviours.hv1 }),
        ...(dataplane.hv1 && { dataplane: dataplane.hv1 }),
        ...(xdp && { xdp }),
      },
      {
        name: 'hv2',
        role: 'hypervisor',
        locator: 'fd00:5e:2::/48',
        ...(behaviours.hv2 && { behaviours: behaviours.hv2 }),
        ...(dataplane.hv2 && { dataplane: dataplane.hv2 }),
        ...(xdp && { xdp }),
      },
      ...transit,
    ],
    tenants: [
      { name: 't100', id: 100, subnets },
      { name: 't200', id: 200, subnets },
    ],
    vms: [host(100, 1, 'hv1'), host(100, 2, 'hv2'), host(200, 3, 'hv1'), host(200, 4, 'hv2')],
    paths:
      transits === 0
        ? []
        : [
            { to: 'hv2', via },
            { to: 'hv1', via: [...via].reverse() },
          ],
  };
}
