import type { Dataplane } from '../src/intent/types.js';
import type { LabVm, Topology } from './topology.js';

/** Prefix of the demonstration's names in /run/netns and /run/segue. */
export const DEMO_PREFIX = 'sgl';
/** Node and intent files, and the state that `lab up` leaves for `lab down`. */
export const DEMO_DIRECTORY = '/run/segue-lab';

/** A VM whose addresses are partly used by another tenant, too. */
export interface DemoVm extends LabVm {
  /** addresses that the other tenant also has */
  shared: { v4: string; v6: string };
  /** unique addresses, which the other tenant must not reach */
  own: { v4: string; v6: string };
}

export interface Demo extends Topology {
  vms: DemoVm[];
}

/**
 * Two tenants with equal subnets and VM addresses, each with a VM on both of two hypervisors. Every VM also has a unique address, which
 * distinguishes it from the other tenant's.
 *
 * @param dataplane data plane of both hypervisors
 */
export function demoTopology(dataplane: Dataplane = 'kernel'): Demo {
  const subnets = [
    { prefix: '10.0.0.0/24', gateway: '10.0.0.1' },
    { prefix: 'fd00:10::/64', gateway: 'fd00:10::1' },
  ];
  const vm = (tenant: string, tenantNumber: number, letter: 'a' | 'b', node: string): DemoVm => {
    const shared = { v4: letter === 'a' ? '10.0.0.10' : '10.0.0.20', v6: `fd00:10::${letter}` };
    const number = letter === 'a' ? 1 : 2;
    const own = { v4: `10.0.0.${tenantNumber}${number}`, v6: `fd00:10::${tenantNumber}:${number}` };
    return {
      name: `${tenant}-${letter}`,
      tenant,
      node,
      // Both tenants use equal MAC addresses, too: they need to be unique only within a tenant.
      mac: `02:00:00:00:00:0${letter}`,
      shared,
      own,
      addresses: [shared.v4, own.v4, shared.v6, own.v6],
    };
  };
  return {
    prefix: DEMO_PREFIX,
    sidBlock: 'fd00:5e::/32',
    nodes: [
      { name: 'hv1', role: 'hypervisor', locator: 'fd00:5e:1::/48', dataplane },
      { name: 'hv2', role: 'hypervisor', locator: 'fd00:5e:2::/48', dataplane },
    ],
    tenants: [
      { name: 'red', id: 100, subnets },
      { name: 'blue', id: 200, subnets },
    ],
    vms: [vm('red', 10, 'a', 'hv1'), vm('red', 10, 'b', 'hv2'), vm('blue', 20, 'a', 'hv1'), vm('blue', 20, 'b', 'hv2')],
    paths: [],
  };
}
