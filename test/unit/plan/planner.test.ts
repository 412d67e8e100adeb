import { FEATURES, PLAN_MODEL, RESOURCE_ORDER } from '../../../src/app/features.js';
import { PlanModel } from '../../../src/plan/model.js';
import { Planner } from '../../../src/plan/planner.js';
import { compile, plannerOf } from '../../../src/app/planning.js';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffIntent, relevantTo, scopeTo } from '../../../src/app/intent.js';
import { zoneOf } from '../../../src/gateway/view.js';
import type { PlanFeature } from '../../../src/plan/feature.js';
import type { PlanDelta } from '../../../src/plan/plan.js';
import type { NodeFacts } from '../../../src/plan/view.js';
import type { Intent, IntentChange, NodeConfig, Port, Subnet, Tenant } from '../../../src/intent/types.js';
import type { PolicyEnd } from '../../../src/gateway/types.js';

const NODES = ['hv1', 'hv2', 'hv3'] as const;
const TENANTS = ['red', 'blue', 'green'] as const;
const FACTS = { uplinkMtu: 1500 };

const CONFIG: NodeConfig = {
  node: 'hv1',
  uplinks: ['eth0'],
  dataplane: 'kernel',
  xdp: 'never',
  behaviours: ['dt46'],
  intent: '/intent.yaml',
};

const RED: Tenant = {
  name: 'red',
  id: 100,
  subnets: [
    { prefix: '10.0.0.0/16', gateway: '10.0.0.1' },
    { prefix: 'fd00:10::/64', gateway: 'fd00:10::1' },
  ],
  dscp: 'copy',
};

/** A port from its number: the address is the number's, so no two ports of one intent clash. */
function portOf(number: number, tenant: string, node: string, families: number, prefixes: boolean): Port {
  const addresses = [];
  if (families !== 6) addresses.push(`10.0.${number >> 8}.${number & 0xff}`);
  if (families !== 4) addresses.push(`fd00:10::${(number + 0x100).toString(16)}`);
  return {
    name: `p${number}`,
    tenant,
    node,
    interface: `tap${number}`,
    mac: `02:00:00:00:00:${(number & 0xff).toString(16).padStart(2, '0')}`,
    addresses,
    prefixes: prefixes && families !== 6 ? [`192.168.${number & 0xff}.0/24`] : [],
  };
}

const ports = fc
  .uniqueArray(
    fc.record({
      number: fc.integer({ min: 2, max: 40 }),
      tenant: fc.constantFrom(...TENANTS),
      node: fc.constantFrom(...NODES),
      families: fc.constantFrom(4, 6, 46),
      prefixes: fc.boolean(),
      moves: fc.constantFrom(undefined, ...NODES),
      extras: fc.constantFrom<Partial<Port>>(
        {},
        { icmpRate: 50, hostname: 'vm' },
        { boot: { server: '10.0.0.9', bios: 'pxe' }, userData: '#cloud-config', sshKeys: ['ssh-ed25519 AAAA'] },
      ),
    }),
    { selector: (port) => port.number, maxLength: 20 },
  )
  .map((list) =>
    list.map((p): Port => {
      const port = { ...portOf(p.number, p.tenant, p.node, p.families, p.prefixes), ...p.extras };
      const { moves: to } = p;
      if (to === undefined || to === p.node) return port;
      return { ...port, migrate: { to, interface: `to${p.number}`, activate: 'announce' } };
    }),
  );

const ends = fc
  .tuple(fc.constantFrom('red', 'blue', 'green', 'dc'), fc.constantFrom<[] | [string]>([], ['10.0.0.8/29']))
  .map(([name, prefixes]): PolicyEnd => {
    const party = name === 'dc' ? { external: name } : { tenant: name };
    return prefixes.length === 0 ? party : { ...party, prefixes };
  });

const gateways = fc.record({
  nodes: fc.constantFrom<string[]>(['hv1'], ['hv2', 'hv3'], ['hv1', 'hv2', 'hv3']),
  tenants: fc.constantFrom<string[]>(['red', 'blue', 'green'], ['red', 'green']),
  external: fc.constantFrom(undefined, '0.0.0.0/0', '192.0.2.0/24'),
});

const policies = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('p', 'q', 'r', 's'),
    from: ends,
    to: ends,
    action: fc.constantFrom('allow' as const, 'deny' as const),
    ports: fc.constantFrom<(number | string)[]>([80], [80, '90-99']),
  }),
  { selector: ({ name }) => name, maxLength: 4 },
);

type Steering = Pick<Intent, 'gateways' | 'externals' | 'policies'>;
type Sampled<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** Whether tenants can be told apart is not the plan's concern. */
function steeredBy(
  { nodes, tenants, external }: Sampled<typeof gateways>,
  sampled: Sampled<typeof policies>,
): Steering {
  const has = (end: PolicyEnd): boolean => ('tenant' in end ? tenants.includes(end.tenant) : external !== undefined);
  const kept = sampled
    .filter(({ from, to }) => has(from) && has(to) && zoneOf(from) !== zoneOf(to))
    .map((policy) => ({ ...policy, protocol: 'tcp' as const, priority: 1000 }));
  return {
    gateways: [{ name: 'gw', nodes, tenants }],
    ...(external !== undefined && {
      externals: [{ name: 'dc', gateway: 'gw', interface: 'eth9', prefixes: [external] }],
    }),
    ...(kept.length > 0 && { policies: kept }),
  };
}

const steering = fc.tuple(gateways, policies).map(([gateway, list]) => steeredBy(gateway, list));

const intents = fc
  .record({
    ports,
    block: fc.constantFrom('fd00:5e::/32', 'fd00:5e::/31'),
    locators: fc.constantFrom([1, 2, 3], [1, 3, 2], [4, 2, 3]),
    ids: fc.constantFrom([100, 200, 300], [100, 201, 300]),
    separate: fc.boolean(),
    leases: fc.constantFrom<Pick<Subnet, 'dhcp' | 'ra'>>(
      {},
      { dhcp: { lease: 60, domain: 'a.test' } },
      { ra: { mode: 'slaac' } },
    ),
    via: fc.constantFrom<string[]>([], ['red'], ['all'], ['red', 'all'], ['long'], ['red', 'long']),
    steering: fc.option(steering, { nil: undefined }),
    drain: fc.boolean(),
  })
  .map(({ ports, block, locators, ids, separate, leases, via, steering, drain }): Intent => ({
    ...steering,
    version: 1,
    sidBlock: block,
    ...(separate && { trusted: ['2001:db8:5e::/48'] }),
    nodes: NODES.map((name, i) => ({
      name,
      locator: `fd00:5e:${locators[i]}::/48`,
      source: `fd00:5e:${locators[i]}::1`,
      ...(drain && name === 'hv3' && { drain: true as const, acceptedSources: ['2001:db8::3'] }),
      ...(separate && name === 'hv2' && { behaviours: ['dt4', 'dt6'] as ['dt4', 'dt6'] }),
    })),
    tenants: TENANTS.map((name, i) => ({
      name,
      id: ids[i] ?? 0,
      subnets: [
        { prefix: '10.0.0.0/24', gateway: '10.0.0.1', ...(leases.dhcp && leases) },
        { prefix: 'fd00:10::/64', gateway: 'fd00:10::1', ...leases },
      ],
      dscp: 'copy' as const,
    })),
    ports,
    paths: [
      ...(via.includes('red') ? [{ to: 'hv2', via: ['fd00:5e:9:1::'], tenants: ['red'] }] : []),
      ...(via.includes('all') ? [{ to: 'hv2', via: ['fd00:5e:9:1::', 'fd00:5e:9:2::'] }] : []),
      // More segments than an entry of the fast path holds.
      ...(via.includes('long') ? [{ to: 'hv2', via: [3, 4, 5, 6].map((n) => `fd00:5e:9:${n}::`) }] : []),
    ],
  }));

const HYBRID: NodeConfig = { ...CONFIG, dataplane: 'hybrid', xdp: 'always' };
const LONE: NodeConfig = { ...HYBRID, dataplane: 'ebpf' };
/** VMs find the node's services. */
const SERVING: NodeConfig = { ...LONE, metadata: { from: 'files', rate: 50, hopLimit: 64 } };
const MODES: readonly [NodeConfig, NodeFacts][] = [
  [CONFIG, FACTS],
  [HYBRID, { ...FACTS, fastpath: { xdp: ['eth0'] } }],
  [LONE, { ...FACTS, fastpath: { xdp: ['eth0'] } }],
  [SERVING, { ...FACTS, servicePrefix: 'fd5e:6d64::/32', fastpath: { xdp: ['eth0'] } }],
  [HYBRID, { ...FACTS, fastpath: { xdp: [], missing: 'tcx not supported (requires >= 6.6)' } }],
];

/** Network nodes that the underlay has no way to. */
const LOST = fc.subarray(['hv2', 'hv3']);

const sequences = fc.array(intents, { minLength: 2, maxLength: 6 });

/** Gateways and nodes stay, but that some drain, so that nothing is planned anew as a whole; often ports or policies do, too. */
const steeredSequences = fc
  .record({
    gateway: gateways,
    base: intents,
    contents: fc.array(intents, { minLength: 2, maxLength: 3 }),
    lists: fc.array(policies, { minLength: 1, maxLength: 3 }),
    steps: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.subarray([...NODES])), { minLength: 2, maxLength: 6 }),
  })
  .map(({ gateway, base, contents, lists, steps }) =>
    steps.map(([content, list, drained]): Intent => {
      const { sidBlock, paths } = base;
      const nodes = base.nodes.map(({ drain: _drain, ...node }) =>
        drained.includes(node.name as (typeof NODES)[number]) ? { ...node, drain: true as const } : node,
      );
      const { tenants, ports, version } = contents[content % contents.length] ?? base;
      const steered = steeredBy(gateway, lists[list % lists.length] ?? []);
      return { version, sidBlock, nodes, tenants, ports, paths, ...steered };
    }),
  );

/** Ways to name what is not there, in each sort of entity. */
const BREAKS: readonly ((intent: Intent) => Intent)[] = [
  (intent) => ({ ...intent, nodes: intent.nodes.filter(({ name }) => name !== 'hv2') }),
  (intent) => ({ ...intent, nodes: intent.nodes.filter(({ name }) => name !== 'hv1') }),
  (intent) => ({ ...intent, tenants: intent.tenants.filter(({ name }) => name !== 'red') }),
  (intent) => ({ ...intent, ports: intent.ports.map((port) => ({ ...port, node: 'hv9' })) }),
  (intent) => ({ ...intent, ports: [...intent.ports, portOf(90, 'red', 'hv9', 46, true)] }),
  (intent) => ({ ...intent, ports: [...intent.ports, portOf(90, 'nobody', 'hv1', 46, true)] }),
  (intent) => ({ ...intent, ports: [...intent.ports, portOf(90, 'nobody', 'hv2', 46, true)] }),
  (intent) => ({
    ...intent,
    ports: intent.ports.map((port) => ({
      ...port,
      migrate: { to: 'hv9', interface: 'to', activate: 'announce' as const },
    })),
  }),
  (intent) => ({ ...intent, paths: [...intent.paths, { to: 'hv9', via: ['fd00:5e:9:1::'] }] }),
  (intent) => ({ ...intent, gateways: [{ name: 'gw', nodes: ['hv1', 'hv9'], tenants: ['red', 'nobody'] }] }),
  (intent) => ({ ...intent, gateways: [] }),
  (intent) => ({
    ...intent,
    externals: [{ name: 'far', gateway: 'nobody', interface: 'eth8', prefixes: ['198.51.100.0/24'] }],
  }),
  (intent) => ({
    ...intent,
    policies: [
      { name: 'z', from: { tenant: 'nobody' }, to: { tenant: 'red' }, protocol: 'tcp', action: 'allow', priority: 1 },
    ],
  }),
];

/** A feature that throws at its nth call, as any feature may wherever it plans. */
class Fuse {
  left = Infinity;
  readonly #burn = (): void => {
    if (--this.left === 0) throw new Error('burnt');
  };
  readonly feature: PlanFeature = {
    name: 'fuse',
    plans: {
      node: this.#burn,
      tenant: this.#burn,
      remote: this.#burn,
      pair: this.#burn,
      localPort: this.#burn,
      remotePort: this.#burn,
      source: this.#burn,
    },
  };
}

describe('Planner', () => {
  it.each([
    ['any sequence of intents', sequences],
    ['changes of gateways and policies', steeredSequences],
  ])('equals a full compilation after %s', (_what, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, fc.constantFrom(...MODES), fc.array(LOST, { maxLength: 6 }), (sequence, mode, ways) => {
        const [config, machine] = mode;
        let facts = machine;
        const [first, ...rest] = sequence.map((intent) => scopeTo(intent, 'hv1'));
        if (first === undefined) return;
        const planner = plannerOf(config, facts, first);
        let current = first;
        const moves = (move: () => PlanDelta): void => {
          const before = structuredClone(planner.plan);
          const delta = move();
          assert.deepStrictEqual(planner.plan, compile(current, config, facts));
          // What the agent holds is less, and enough.
          assert.deepStrictEqual(planner.plan, compile(relevantTo(current, config.node), config, facts));
          // The delta holds what differs and nothing else.
          for (const [kind, objects] of delta) {
            for (const [key, { before: was, after: is }] of objects) {
              assert.deepStrictEqual(before[kind].get(key), was);
              assert.deepStrictEqual(planner.plan[kind].get(key), is);
              assert.notDeepStrictEqual(was, is);
            }
          }
        };
        for (const [step, next] of rest.entries()) {
          const changes = diffIntent(current, next);
          current = next;
          moves(() => planner.apply(changes));
          const lost = ways[step];
          if (lost === undefined) continue;
          facts = { ...facts, unreachableNodes: lost };
          const now = facts;
          moves(() => planner.applyFacts(now) ?? assert.fail('everything is planned anew'));
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a remote port of an unknown node', [{ kind: 'port', key: 'x', after: portOf(9, 'red', 'hv9', 4, false) }]],
    [
      'a port of an unknown node, and a path',
      [
        {
          kind: 'port',
          key: 'p3',
          before: portOf(3, 'red', 'hv2', 46, false),
          after: portOf(3, 'red', 'hv9', 46, false),
        },
        { kind: 'path', key: 'hv2 *', after: { to: 'hv2', via: ['fd00:5e:9:1::'] } },
      ],
    ],
    [
      'a port of an unknown node, and a new SID block',
      [
        { kind: 'block', key: 'sidBlock', before: 'fd00:5e::/32', after: 'fd00:5e::/31' },
        { kind: 'port', key: 'x', after: portOf(9, 'red', 'hv9', 4, false) },
      ],
    ],
    ['the removal of a tenant before its ports', [{ kind: 'tenant', key: 'red', before: RED }], '"red"'],
  ] as [string, IntentChange[], string?][])(
    'is unchanged by a change it cannot plan: %s',
    (_what, changes, named = 'hv9') => {
      const intent: Intent = {
        version: 1,
        sidBlock: 'fd00:5e::/32',
        nodes: NODES.map((name, i) => ({ name, locator: `fd00:5e:${i + 1}::/48`, source: `fd00:5e:${i + 1}::1` })),
        tenants: [RED],
        ports: [portOf(2, 'red', 'hv1', 46, false), portOf(3, 'red', 'hv2', 46, false)],
        paths: [],
      };
      const planner = plannerOf(CONFIG, FACTS, intent);
      expect(() => planner.apply(changes)).toThrow(named);
      assert.deepStrictEqual(planner.plan, compile(intent, CONFIG, FACTS));
      assert.deepStrictEqual(PLAN_MODEL.planAll(planner.view), compile(intent, CONFIG, FACTS));
      // And it goes on from there.
      const next = { ...intent, ports: [...intent.ports, portOf(4, 'red', 'hv3', 4, false)] };
      planner.apply(diffIntent(intent, next));
      assert.deepStrictEqual(planner.plan, compile(next, CONFIG, FACTS));
    },
  );

  it('is unchanged by a change that throws at any point, and continues afterwards', () => {
    let refused = 0;
    // Half of them before the view has moved.
    const calls = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 60 }));
    const breaks = fc.array(fc.tuple(fc.nat(BREAKS.length - 1), calls), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(sequences, fc.constantFrom(...MODES), breaks, LOST, (sequence, [config, machine], faults, lost) => {
        const fuse = new Fuse();
        const model = new PlanModel([...FEATURES, fuse.feature], RESOURCE_ORDER);
        let facts = machine;
        const [first, ...rest] = sequence.map((intent) => scopeTo(intent, 'hv1'));
        if (first === undefined) return;
        const planner = Planner.of(model, config, facts, first);
        let current = first;
        const isUnmoved = (): void => {
          const whole = compile(current, config, facts);
          assert.deepStrictEqual(planner.plan, whole);
          assert.deepStrictEqual(PLAN_MODEL.planAll(planner.view), whole);
        };
        /** @returns whether it threw */
        const fails = (move: () => unknown): boolean => {
          try {
            move();
            return false;
          } catch {
            refused += 1;
            return true;
          } finally {
            fuse.left = Infinity;
          }
        };
        for (const [step, next] of rest.entries()) {
          const [way, calls] = faults[step] ?? [];
          if (way !== undefined && calls !== undefined) {
            const broken = BREAKS[way]?.(next) ?? assert.fail();
            // What nothing on this node names does no harm.
            if (!fails(() => planner.apply(diffIntent(current, broken)))) planner.apply(diffIntent(broken, current));
            isUnmoved();
            fuse.left = calls;
            if (!fails(() => planner.apply(diffIntent(current, next)))) planner.apply(diffIntent(next, current));
            isUnmoved();
            fuse.left = calls;
            const moved = { ...facts, unreachableNodes: lost };
            if (!fails(() => planner.applyFacts(moved))) facts = moved;
            isUnmoved();
          }
          planner.apply(diffIntent(current, next));
          current = next;
          isUnmoved();
        }
      }),
      { numRuns: 100 },
    );
    expect(refused).toBeGreaterThan(200);
  });

  it("plans the node's services while the node has a port", () => {
    const facts: NodeFacts = { ...FACTS, servicePrefix: 'fd5e:6d64::/32', fastpath: { xdp: ['eth0'] } };
    const [sample] = fc.sample(intents, 1);
    const empty = scopeTo({ ...(sample ?? assert.fail()), ports: [] }, 'hv1');
    const one = scopeTo({ ...(sample ?? assert.fail()), ports: [portOf(9, 'red', 'hv1', 46, false)] }, 'hv1');
    const planner = plannerOf(SERVING, facts, empty);
    expect(planner.plan['service-link'].size).toBe(0);
    planner.apply(diffIntent(empty, one));
    expect(planner.plan).toEqual(compile(one, SERVING, facts));
    expect(planner.plan['service-link'].size).toBe(1);
    planner.apply(diffIntent(one, empty));
    expect(planner.plan['service-link'].size).toBe(0);
  });

  it('changes one route when a port moves between remote nodes', () => {
    const intent: Intent = {
      version: 1,
      sidBlock: 'fd00:5e::/32',
      nodes: NODES.map((name, i) => ({ name, locator: `fd00:5e:${i + 1}::/48`, source: `fd00:5e:${i + 1}::1` })),
      tenants: [{ name: 'red', id: 100, subnets: [{ prefix: '10.0.0.0/16', gateway: '10.0.0.1' }], dscp: 'copy' }],
      ports: [
        portOf(2, 'red', 'hv1', 4, false),
        ...Array.from({ length: 200 }, (_, i) => portOf(i + 3, 'red', i % 2 ? 'hv2' : 'hv3', 4, false)),
      ],
      paths: [],
    };
    const planner = plannerOf(CONFIG, FACTS, intent);
    const moved = intent.ports.map((port) => (port.name === 'p9' ? { ...port, node: 'hv2' } : port));
    const delta = planner.apply(diffIntent(intent, { ...intent, ports: moved }));
    expect([...delta.keys()]).toEqual(['route']);
    expect([...(delta.get('route')?.keys() ?? [])]).toEqual(['1577058404 10.0.0.9/32 0']);
  });
});
