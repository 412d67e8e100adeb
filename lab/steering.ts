/** The demonstration of steering: three tenants, two network nodes that decide about traffic between them, and an external data centre network. */
import { DEFAULT_POLICY_PRIORITY } from '../src/intent/bounds.js';
import { DEMO_PREFIX } from './demo.js';
import type { Dataplane } from '../src/intent/types.js';
import type { LabExternal, LabTenant, LabVm, Topology } from './topology.js';
import type { Policy } from '../src/gateway/types.js';

export interface SteeringDemo extends Topology {
  externals: [LabExternal];
  policies: Policy[];
}

const RED: LabTenant = tenant('red', 100, 1);
const BLUE: LabTenant = tenant('blue', 200, 2);
/** Green has the addresses of blue, so it can have no policies with blue's peers. */
const GREEN: LabTenant = tenant('green', 300, 2);

/**
 * Red may use web servers of blue, except for one port of blue-b, and ping them. Blue may use one database of red. Red may use the data centre
 * network, which may use one address of red. Green, which has the addresses of blue, may use one port there.
 *
 * @param dataplane of the hypervisors; network nodes always have a fast path
 */
export function steeringTopology(dataplane: Dataplane = 'kernel', prefix = DEMO_PREFIX): SteeringDemo {
  const deciding: Dataplane = dataplane === 'kernel' ? 'hybrid' : dataplane;
  return {
    prefix,
    sidBlock: 'fd00:5e::/32',
    nodes: [
      { name: 'hv1', role: 'hypervisor', locator: 'fd00:5e:1::/48', dataplane },
      { name: 'hv2', role: 'hypervisor', locator: 'fd00:5e:2::/48', dataplane },
      { name: 'nn1', role: 'network-node', locator: 'fd00:5e:91::/48', dataplane: deciding },
      { name: 'nn2', role: 'network-node', locator: 'fd00:5e:92::/48', dataplane: deciding },
    ],
    tenants: [RED, BLUE, GREEN],
    vms: [RED, BLUE, GREEN].flatMap((one) => [vm(one, 'a', 'hv1'), vm(one, 'b', 'hv2')]),
    paths: [],
    gateways: [{ name: 'gw', nodes: ['nn1', 'nn2'], tenants: ['red', 'blue', 'green'] }],
    externals: [
      {
        ...{ name: 'dc', gateway: 'gw', interface: 'eth1' },
        prefixes: ['203.0.113.0/24', '2001:db8:dc::/48'],
        addresses: ['203.0.113.10', '2001:db8:dc::10'],
      },
    ],
    policies: steeringPolicies(),
  };
}

/** Policies between tenants, as in the intent. */
function steeringPolicies(): Policy[] {
  const allow = { action: 'allow', priority: DEFAULT_POLICY_PRIORITY } as const;
  const blueB = ['10.2.0.20/32', 'fd00:2::b/128'];
  const redA = ['10.1.0.10/32', 'fd00:1::a/128'];
  return [
    {
      name: 'web',
      from: { tenant: 'red' },
      to: { tenant: 'blue' },
      protocol: 'tcp',
      ports: [80, '8000-8100'],
      ...allow,
    },
    {
      ...{ name: 'not-8080', from: { tenant: 'red' }, to: { tenant: 'blue', prefixes: blueB }, protocol: 'tcp' },
      ...{ ports: [8080], action: 'deny', log: true, priority: 10 },
    },
    { name: 'ping', from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'icmp', ...allow },
    {
      name: 'db',
      from: { tenant: 'blue' },
      to: { tenant: 'red', prefixes: redA },
      protocol: 'tcp',
      ports: [5432],
      ...allow,
    },
    { name: 'dns', from: { tenant: 'blue' }, to: { tenant: 'red' }, protocol: 'udp', ports: [53], ...allow },
    { name: 'out', from: { tenant: 'red' }, to: { external: 'dc' }, protocol: 'any', ...allow },
    {
      name: 'in',
      from: { external: 'dc' },
      to: { tenant: 'red', prefixes: redA },
      protocol: 'tcp',
      ports: [443],
      ...allow,
    },
    { name: 'updates', from: { tenant: 'green' }, to: { external: 'dc' }, protocol: 'tcp', ports: [443], ...allow },
  ];
}

function tenant(name: string, id: number, net: number): LabTenant {
  return {
    ...{ name, id },
    subnets: [
      { prefix: `10.${net}.0.0/24`, gateway: `10.${net}.0.1` },
      { prefix: `fd00:${net}::/64`, gateway: `fd00:${net}::1` },
    ],
  };
}

function vm({ name, subnets: [subnet] }: LabTenant, letter: 'a' | 'b', node: string): LabVm {
  const net = subnet?.prefix.split('.')[1] ?? '';
  return {
    ...{ name: `${name}-${letter}`, tenant: name, node, mac: `02:00:00:00:0${net}:0${letter}` },
    addresses: [`10.${net}.0.${letter === 'a' ? 10 : 20}`, `fd00:${net}::${letter}`],
  };
}
