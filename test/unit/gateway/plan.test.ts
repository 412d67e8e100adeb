/** The effect of gateways and policies on a node's plan: a network node's map entries and a hypervisor's routes. */
import { FEATURES } from '../../../src/app/features.js';
import { compile, plannerOf } from '../../../src/app/planning.js';
import { describe, expect, it } from 'vitest';
import { diffIntent, parseIntent, scopeTo } from '../../../src/app/intent.js';
import { affectedSteps } from '../../../src/plan/affected-units.js';
import { runAtOnce } from '../../../src/reconcile/steps.js';
import { maglevTable } from '../../../src/gateway/maglev.js';
import { fixedSlotOf } from '../../../src/gateway/routes.js';
import { stableNumbers } from '../../../src/gateway/view.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';
import type { NodeFacts } from '../../../src/plan/view.js';
import type { Plan } from '../../../src/plan/plan.js';

const RAW = {
  version: 1,
  sidBlock: 'fd00:5e::/32',
  nodes: [
    { name: 'hv1', locator: 'fd00:5e:1::/48' },
    { name: 'hv2', locator: 'fd00:5e:2::/48' },
    { name: 'nn1', locator: 'fd00:5e:91::/48' },
    { name: 'nn2', locator: 'fd00:5e:92::/48' },
  ],
  tenants: [
    { name: 'red', id: 100, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.1' }] },
    { name: 'blue', id: 200, subnets: [{ prefix: '10.1.0.0/24', gateway: '10.1.0.1' }] },
    { name: 'green', id: 300, subnets: [{ prefix: '10.1.0.0/24', gateway: '10.1.0.1' }] },
  ],
  ports: [
    {
      name: 'red-a',
      tenant: 'red',
      node: 'hv1',
      interface: 'tap-a',
      mac: '02:00:00:00:00:0a',
      addresses: ['10.0.0.2'],
    },
    {
      ...{ name: 'blue-a', tenant: 'blue', node: 'hv2', interface: 'tap-a', mac: '02:00:00:00:00:0b' },
      ...{ addresses: ['10.1.0.2'], prefixes: ['172.16.0.0/16'] },
    },
    {
      name: 'green-a',
      tenant: 'green',
      node: 'hv2',
      interface: 'tap-b',
      mac: '02:00:00:00:00:0c',
      addresses: ['10.1.0.2'],
    },
  ],
  gateways: [{ name: 'gw', nodes: ['nn1', 'nn2'], tenants: ['red', 'blue', 'green'] }],
  externals: [{ name: 'dc', gateway: 'gw', interface: 'eth1', prefixes: ['0.0.0.0/0'] }],
  policies: [
    { name: 'web', from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'tcp', ports: [80], action: 'allow' },
    { name: 'out', from: { tenant: 'green' }, to: { external: 'dc' }, protocol: 'any', action: 'allow' },
    { name: 'no', from: { tenant: 'red' }, to: { tenant: 'green' }, protocol: 'any', action: 'deny', log: true },
  ],
};

const facts: NodeFacts = { uplinkMtu: 1500, fastpath: { xdp: [] } };

function intentWith(change: Partial<Record<keyof typeof RAW | 'paths', unknown>> = {}): Intent {
  return parseIntent(JSON.stringify({ ...RAW, ...change }), { file: 'intent.json' });
}

function configOf(node: string, dataplane: NodeConfig['dataplane'] = 'hybrid'): NodeConfig {
  return { node, uplinks: ['eth0'], dataplane, xdp: 'auto', behaviours: ['dt46'], intent: '/intent.json' };
}

function planOf(node: string, dataplane: NodeConfig['dataplane'] = 'hybrid', intent = intentWith()): Plan {
  const { uplinkMtu } = facts;
  return compile(scopeTo(intent, node), configOf(node, dataplane), dataplane === 'kernel' ? { uplinkMtu } : facts);
}

const withoutGateways = (): Intent => {
  const intent = intentWith();
  delete intent.gateways;
  delete intent.externals;
  delete intent.policies;
  return intent;
};

describe('a network node', () => {
  const plan = planOf('nn1');
  const external = [...plan['nn-zone'].keys()].find((id) => Number(id) > 0x01000000) ?? '';
  const gateway = stableNumbers(['gw'], 64).get('gw') ?? -1;

  it('has no VRF, and the endpoints of all its tenants', () => {
    expect(plan.vrf.size).toBe(0);
    expect(plan.nexthop.size).toBe(0);
    expect(plan['bpf-member'].get('100 10.0.0.2')).toEqual({ tenant: 100, encap: 'fd00:5e:1:4600:64::' });
    expect(plan['bpf-member'].get('200 10.1.0.2')).toEqual({ tenant: 200, encap: 'fd00:5e:2:4600:c8::' });
    expect(plan['bpf-member'].get('300 10.1.0.2')).toEqual({ tenant: 300, encap: 'fd00:5e:2:4600:12c::' });
    expect(plan['bpf-prefix'].get('200 172.16.0.0/16')).toEqual({ tenant: 200, encap: 'fd00:5e:2:4600:c8::' });
    for (const { encap } of plan['bpf-member'].values()) expect(plan['bpf-encap'].has(encap ?? '')).toBe(true);
  });

  it('has a SID for each tenant, and the interface of the external network', () => {
    expect([...plan['nn-sid']]).toEqual([
      ['fd00:5e:91:4600:c8::', { zone: 200, gateway }],
      ['fd00:5e:91:4600:12c::', { zone: 300, gateway }],
      ['fd00:5e:91:4600:64::', { zone: 100, gateway }],
    ]);
    expect([...plan['nn-external']]).toEqual([
      ['eth1 0.0.0.0/0', { zone: Number(external), gateway, device: 'eth1' }],
      ['eth1 ::/0', { zone: Number(external), gateway, device: 'eth1', outside: true }],
    ]);
    expect([...plan['nn-zone'].keys()].sort()).toEqual(['100', '200', '300', external].sort());
    expect(plan['bpf-program'].get('eth0 tcx-first')).toMatchObject({ program: 'nn_uplink_tc' });
  });

  it('routes between zones that policies connect, and prefers allowed zones to denied ones', () => {
    const routes = [...plan['nn-route']].map(([key, { to }]) => `${key} ${to}`).sort();
    expect(routes).toEqual(
      [
        '100 10.1.0.0/24 200',
        '100 172.16.0.0/16 200',
        '200 10.0.0.0/24 100',
        `300 0.0.0.0/0 ${external}`,
        '300 10.0.0.0/24 100',
        `${external} 10.1.0.0/24 300`,
      ].sort(),
    );
  });

  it('has a set of policies for each direction with policies', () => {
    expect([...plan['nn-policies'].keys()].sort()).toEqual(['100 200', '100 300', `300 ${external}`]);
    expect(plan['nn-policies'].get('100 200')?.rules).toEqual([
      {
        ...{ source: 0, dest: 0, protocol: 6 },
        ports: [
          { first: 0, rank: 0 },
          { first: 80, policy: 'web', allow: true, rank: 0 },
          { first: 81, rank: 0 },
        ],
      },
    ]);
  });

  it('has the numbers of the other network nodes, and paths to them', () => {
    const numbers = stableNumbers(['nn1', 'nn2'], 1024);
    expect(plan['nn-node'].get('node')).toEqual({ self: numbers.get('nn1') });
    expect(plan['gw-node'].get('nn2')).toEqual({
      ...{ number: numbers.get('nn2'), source: 'fd00:5e:92::1', underlay: 'fd00:5e:92::/48', from: 'fd00:5e:91::1' },
    });
    expect(plan['gw-encap'].get(`100 ${numbers.get('nn2')}`)?.encap).toBe('fd00:5e:92:4600:64::');
    expect(plan['bpf-encap'].has('fd00:5e:92:4600:64::')).toBe(true);
    const maglev = plan['gw-maglev'].get('gw');
    expect(maglev).toMatchObject({ number: gateway, active: ['nn1', 'nn2'], all: ['nn1', 'nn2'] });
    expect(maglev?.nodes).toEqual({
      nn1: { number: numbers.get('nn1'), from: 'fd00:5e:91::1' },
      nn2: { number: numbers.get('nn2'), from: 'fd00:5e:91::1', underlay: 'fd00:5e:92::/48' },
    });
  });

  it('that drains gets no new flows', () => {
    const nodes = RAW.nodes.map((node) => (node.name === 'nn2' ? { ...node, drain: true } : node));
    const drained = planOf('nn1', 'hybrid', intentWith({ nodes }));
    expect(drained['gw-maglev'].get('gw')).toMatchObject({ active: ['nn1'], all: ['nn1', 'nn2'] });
    // And hypervisors that pick by pairs send it nothing.
    const toNn2 = [...planOf('hv1', 'hybrid', intentWith({ nodes })).nexthop.keys()].filter((key) =>
      key.includes('fd00:5e:92:'),
    );
    expect(toNn2).toEqual([]);
  });

  it('changes only the set of policies in which a policy changed', () => {
    const before = scopeTo(intentWith(), 'nn1');
    const planner = plannerOf(configOf('nn1'), facts, before);
    const policies = RAW.policies.map((policy) => (policy.name === 'web' ? { ...policy, ports: [80, 443] } : policy));
    const delta = planner.apply(diffIntent(before, scopeTo(intentWith({ policies }), 'nn1')));
    expect([...delta].map(([kind, objects]) => [kind, [...objects.keys()]])).toEqual([['nn-policies', ['100 200']]]);
  });
});

describe('a hypervisor', () => {
  it.each(['kernel', 'hybrid'] as const)(
    'in %s mode has routes to the zones that its tenants have policies with',
    (dataplane) => {
      const plan = planOf('hv1', dataplane);
      const routes = [...plan.route.values()].filter(({ table, type }) => table === 0x5e000064 && type === 'unicast');
      const remote = routes.filter(({ nexthop }) => nexthop !== undefined);
      expect(remote.map(({ prefix }) => prefix).sort()).toEqual(['0.0.0.0/0', '10.1.0.0/24', '172.16.0.0/16']);
      for (const { nexthop } of remote) expect(plan.nexthop.has(nexthop ?? '')).toBe(true);
      if (dataplane === 'kernel') {
        for (const [kind, objects] of Object.entries(plan))
          if (/^(bpf|steer)-/.test(kind)) expect(objects.size).toBe(0);
      }
    },
  );

  it.each(['hybrid', 'ebpf'] as const)('in %s mode sends flows to other zones through its gateway', (dataplane) => {
    const plan = planOf('hv1', dataplane);
    const gateway = stableNumbers(['gw'], 64).get('gw');
    const steered = [...plan['bpf-prefix']].filter(([, { absent }]) => absent === undefined);
    expect(steered).toEqual([['100 0.0.0.0/0', { tenant: 100, steered: gateway }]]);
    const absent = [...plan['bpf-prefix']].filter(([, { absent }]) => absent === true).map(([key]) => key);
    expect(absent).toContain('100 10.0.0.0/24');
    const numbers = stableNumbers(['nn1', 'nn2'], 1024);
    expect([...plan['gw-encap'].values()]).toEqual([
      { tenant: 100, node: numbers.get('nn1'), encap: 'fd00:5e:91:4600:64::' },
      { tenant: 100, node: numbers.get('nn2'), encap: 'fd00:5e:92:4600:64::' },
    ]);
    for (const { encap } of plan['gw-encap'].values()) expect(plan['bpf-encap'].has(encap)).toBe(true);
    for (const { underlay } of plan['bpf-encap'].values()) expect(plan['bpf-underlay'].has(underlay)).toBe(true);
    expect([...plan['gw-node'].keys()]).toEqual(['nn1', 'nn2']);
    expect(plan['gw-maglev'].get('gw')).toMatchObject({ number: gateway, active: ['nn1', 'nn2'] });
    // None of what network nodes alone have.
    for (const kind of ['nn-node', 'nn-zone', 'nn-route', 'nn-policies', 'nn-sid'] as const) {
      expect(plan[kind].size).toBe(0);
    }
    for (const { gateways } of plan['bpf-program'].values()) expect(gateways).toBe(true);
  });

  it('has one network node for all flows to an external network, in the kernel as well', () => {
    const plan = planOf('hv2');
    const slot = plan['bpf-prefix'].get('300 0.0.0.0/0')?.fixedSlot;
    expect(slot).toBe(fixedSlotOf(['external dc']));
    expect(plan['bpf-prefix'].get('300 10.0.0.0/24')?.fixedSlot).toBeUndefined();
    const route = [...plan.route.values()].find(
      ({ table, prefix, nexthop }) => table === 0x5e00012c && prefix === '0.0.0.0/0' && nexthop !== undefined,
    );
    const [node] = maglevTable(['nn1', 'nn2']).slice(slot);
    expect(route?.nexthop).toContain(node === 'nn1' ? 'fd00:5e:91:' : 'fd00:5e:92:');
  });

  it('that is also a network node sends to itself on the fast path', () => {
    const gateways = [{ name: 'gw', nodes: ['hv1'], tenants: ['red', 'blue', 'green'] }];
    const plan = planOf('hv1', 'hybrid', intentWith({ gateways }));
    const [way] = plan['gw-encap'].values();
    expect(way?.encap).toBe('fd00:5e:1:4600:64::');
    const { underlay = '' } = plan['bpf-encap'].get('fd00:5e:1:4600:64::') ?? {};
    expect(plan['bpf-underlay'].get(underlay)).toMatchObject({ self: ['eth0'] });
    expect(plan['bpf-prefix'].get('100 0.0.0.0/0')?.steered).toBeDefined();
    expect([...plan.route.values()].some(({ prefix, type }) => prefix === '0.0.0.0/0' && type === 'unicast')).toBe(
      false,
    );
  });

  it('leaves other zones to the kernel when a path is too long for the fast path', () => {
    const via = [1, 2, 3, 4].map((n) => `fd00:5e:9:${n}::`);
    const paths = [{ to: 'nn2', via, tenants: ['red'] }];
    const plan = planOf('hv1', 'hybrid', intentWith({ paths }));
    expect(plan['bpf-prefix'].size).toBe(0);
    expect([...plan['gw-encap'].values()].map(({ encap }) => encap)).toEqual(['fd00:5e:91:4600:64::']);
  });

  it('changes only tables and routes when a network node drains', () => {
    const nodes = RAW.nodes.map((node) => (node.name === 'nn2' ? { ...node, drain: true } : node));
    const before = scopeTo(intentWith(), 'hv1');
    const planner = plannerOf(configOf('hv1'), facts, before);
    const changes = diffIntent(before, scopeTo(intentWith({ nodes }), 'hv1'));
    expect(runAtOnce(affectedSteps(planner.view, changes, FEATURES))).not.toBe('all');
    const kinds = [...planner.apply(changes).keys()];
    expect(kinds).toContain('gw-maglev');
    expect(['gw-maglev', 'route', 'nexthop']).toEqual(expect.arrayContaining(kinds));
  });

  it.each([
    ['one is unreachable', ['nn2'], [], 'nn1'],
    ['one is unreachable, the other drains', ['nn2'], ['nn1'], 'nn1'],
    ['all are unreachable and one drains', ['nn1', 'nn2'], ['nn1'], 'nn2'],
  ])('avoids unreachable and draining nodes in the kernel: %s', (_what, lost, draining, to) => {
    const nodes = RAW.nodes.map((node) => (draining.includes(node.name) ? { ...node, drain: true } : node));
    const intent = scopeTo(intentWith({ nodes }), 'hv1');
    const planner = plannerOf(configOf('hv1', 'kernel'), { uplinkMtu: 1500, unreachableNodes: [] }, intent);
    const delta = planner.applyFacts({ uplinkMtu: 1500, unreachableNodes: lost });
    const kinds = [...(delta?.keys() ?? [])];
    expect(['route', 'nexthop']).toEqual(expect.arrayContaining(kinds));
    const sids = [...planner.plan.nexthop.keys()]
      .map((key) => key.split(' ')[2])
      .filter((sid) => sid?.startsWith('fd00:5e:9'));
    expect(new Set(sids)).toEqual(new Set([`fd00:5e:9${to.slice(-1)}:4600:64::`]));
    planner.applyFacts({ uplinkMtu: 1500, unreachableNodes: [] });
    expect(planner.plan).toEqual(compile(intent, configOf('hv1', 'kernel'), { uplinkMtu: 1500, unreachableNodes: [] }));
  });

  it('chooses the same network node for both directions of each pair', () => {
    const nodeOf = (node: string, table: number, prefix: string): string | undefined =>
      [...planOf(node).route.values()]
        .find((route) => route.table === 0x5e000000 + table && route.prefix === prefix && route.nexthop !== undefined)
        ?.nexthop?.split(' ')[2]
        ?.slice(0, 10);
    const there = nodeOf('hv1', 100, '10.1.0.0/24');
    expect(there).toMatch(/^fd00:5e:9[12]/);
    expect(nodeOf('hv1', 100, '172.16.0.0/16')).toBe(there);
    expect(nodeOf('hv2', 200, '10.0.0.0/24')).toBe(there);
  });

  it('has no gateway objects without gateways', () => {
    const plan = planOf('hv1', 'hybrid', withoutGateways());
    for (const [kind, objects] of Object.entries(plan)) {
      if (kind.startsWith('steer-')) expect(objects.size).toBe(0);
    }
    expect([...plan.route.values()].filter(({ prefix, type }) => prefix === '0.0.0.0/0' && type === 'unicast')).toEqual(
      [],
    );
  });
});

describe('stableNumbers', () => {
  it('gives each name a number of its own, and changes few when one is added', () => {
    const names = Array.from({ length: 30 }, (_, index) => `gw${index}`);
    const before = stableNumbers(names, 64);
    expect(new Set(before.values()).size).toBe(30);
    const after = stableNumbers([...names, 'another'], 64);
    const moved = names.filter((name) => before.get(name) !== after.get(name)).length;
    expect(moved).toBeLessThan(5);
    expect(() => stableNumbers(names, 29)).toThrow(RangeError);
  });
});
