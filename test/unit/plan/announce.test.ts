/** The conditions under which the locator is announced; its discard is always planned. */
import { compile } from '../../../src/app/planning.js';
import { describe, expect, it } from 'vitest';
import type { Dataplane, Intent, IntentNode, NodeConfig, Port } from '../../../src/intent/types.js';
import { scopeTo } from '../../../src/app/intent.js';

const port = (node: string): Port => ({
  name: `red-${node}`,
  tenant: 'red',
  node,
  interface: 'tap0',
  mac: '02:00:00:00:00:01',
  addresses: [node === 'hv1' ? '10.0.0.1' : '10.0.0.2'],
  prefixes: [],
});

interface Options {
  drain?: true;
  ports?: string[];
  /** of the gateway */
  nodes?: string[];
  announce?: NodeConfig['announce'];
  dataplane?: Dataplane;
}

function announcements({ drain, ports = [], nodes, announce, dataplane = 'ebpf' }: Options): unknown[] {
  return [
    ...planOf({
      ports,
      dataplane,
      ...(drain && { drain }),
      ...(nodes && { nodes }),
      ...(announce && { announce }),
    }).announce.values(),
  ];
}

function planOf({ drain, ports = [], nodes, announce, dataplane = 'ebpf' }: Options) {
  const node = (name: string, locator: string): IntentNode => ({ name, locator, source: locator.replace('/48', '1') });
  const intent: Intent = {
    version: 1,
    sidBlock: 'fd00:5e::/32',
    nodes: [{ ...node('hv1', 'fd00:5e:1::/48'), ...(drain && { drain }) }, node('hv2', 'fd00:5e:2::/48')],
    tenants: [{ name: 'red', id: 100, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.254' }], dscp: 'copy' }],
    ports: ports.map(port),
    paths: [],
    ...(nodes && { gateways: [{ name: 'gw', nodes, tenants: ['red'] }] }),
  };
  const config: NodeConfig = {
    node: 'hv1',
    uplinks: ['eth0'],
    dataplane,
    xdp: 'never',
    behaviours: ['dt46'],
    intent: '/intent.yaml',
    ...(announce && { announce }),
  };
  const facts = { uplinkMtu: 1500, ...(dataplane !== 'kernel' && { fastpath: { xdp: [] } }) };
  return compile(scopeTo(intent, 'hv1'), config, facts);
}

const MAIN = [{ table: 254, prefix: 'fd00:5e:1::/48' }];

describe('the announcement', () => {
  it.each<[string, Options, unknown[]]>([
    ['in table main for an empty node', {}, MAIN],
    ['in table main for a hypervisor', { ports: ['hv1'] }, MAIN],
    ['in another table', { announce: { table: 100 } }, [{ table: 100, prefix: 'fd00:5e:1::/48' }]],
    ['absent with announce: none', { announce: 'none' }, []],
    ['absent for an empty draining node', { drain: true }, []],
    ['absent for a draining node without ports of its own', { drain: true, ports: ['hv2'] }, []],
    ['in table main for a draining node with a port, whose VM still runs', { drain: true, ports: ['hv1'] }, MAIN],
    [
      'in table main for a draining node in a gateway, whose flows continue',
      { drain: true, nodes: ['hv1', 'hv2'] },
      MAIN,
    ],
    ['absent for a draining node outside the gateway', { drain: true, ports: ['hv2'], nodes: ['hv2'] }, []],
  ])('is %s', (_name, options, expected) => {
    expect(announcements(options)).toEqual(expected);
  });
});

describe('the discard', () => {
  it.each<[Dataplane, Options]>(
    (['kernel', 'hybrid', 'ebpf'] as const).flatMap((dataplane): [Dataplane, Options][] => [
      [dataplane, {}],
      [dataplane, { announce: 'none' }],
      [dataplane, { drain: true }],
    ]),
  )('is planned in %s with %o', (dataplane, options) => {
    const { rule } = planOf({ ...options, dataplane });
    const to = 'fd00:5e:1::/48';
    expect([...rule.values()].filter((one) => one.to === to)).toEqual([
      { family: 6, priority: 32762, to, action: 'table', table: 255 },
      { family: 6, priority: 32763, to, action: 'table', table: 254, suppressPrefixLength: 48 },
      { family: 6, priority: 32764, to, action: 'blackhole' },
    ]);
  });

  it('consists of rules, without a route', () => {
    expect([...planOf({ dataplane: 'kernel' }).route.values()]).toEqual([]);
  });
});
