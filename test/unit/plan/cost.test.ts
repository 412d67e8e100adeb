/**
 * The cost of a change of one port in the planner: not time, but the number of elements of lists, maps and sets that it
 * visits.
 */
import { plannerOf } from '../../../src/app/planning.js';
import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import type { NodeFacts } from '../../../src/plan/view.js';
import type { Intent, IntentChange, NodeConfig, Port } from '../../../src/intent/types.js';

const FEW = 1_000;
/** Above the number from which a LargeMap is many tables. */
const MANY = 10_000;
/** What a set in order moves of itself (src/plan/smallest.ts) is not the same for each of its members. */
const CHUNK = 400;
const NODES = ['hv1', 'hv2', 'hv3', 'nn1'];

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Whatever walks a list, a map or a set takes a step of its iterator, or is one of these. */
const WALKS = [
  ...['concat', 'every', 'filter', 'find', 'findIndex', 'flat', 'flatMap', 'forEach', 'includes', 'indexOf', 'join'],
  ...['map', 'reduce', 'reverse', 'slice', 'some', 'sort', 'splice', 'toSorted'],
] as const;

/** How many elements something visits. */
function visitsOf(use: () => void): number {
  let visits = 0;
  const restores: (() => void)[] = [];
  const patch = (prototype: object, name: string, wrap: (method: Method) => Method): void => {
    const before = Object.getOwnPropertyDescriptor(prototype, name);
    assert(before !== undefined);
    Object.defineProperty(prototype, name, { ...before, value: wrap(before.value as Method) });
    restores.push(() => Object.defineProperty(prototype, name, before));
  };
  const steps = (method: Method): Method =>
    function (...args) {
      visits += 1;
      return method.apply(this, args);
    };
  const lengths = (method: Method): Method =>
    function (...args) {
      visits += (this as unknown[]).length;
      return method.apply(this, args);
    };
  const sizes = (method: Method): Method =>
    function (...args) {
      visits += (this as Map<unknown, unknown>).size;
      return method.apply(this, args);
    };
  for (const name of WALKS) patch(Array.prototype, name, lengths);
  for (const { prototype } of [Map, Set]) patch(prototype, 'forEach', sizes);
  for (const iterator of [new Map().values(), new Set().values(), [].values()]) {
    patch(Object.getPrototypeOf(iterator) as object, 'next', steps);
  }
  try {
    use();
  } finally {
    for (const restore of restores.reverse()) restore();
  }
  return visits;
}

function portOf(number: number, more: Partial<Port> = {}): Port {
  const [high, low] = [number >> 8, number & 0xff];
  return {
    name: `p${number}`,
    tenant: 'red',
    node: number % 2 === 0 ? 'hv2' : 'hv3',
    interface: `tap${number}`,
    mac: `02:00:00:00:${high.toString(16).padStart(2, '0')}:${low.toString(16).padStart(2, '0')}`,
    addresses: [`10.0.${high}.${low}`, `fd00:10::${(number + 0x1000).toString(16)}`],
    prefixes: [],
    ...more,
  };
}

/** @param local whether the many ports are this node's */
function intentOf(count: number, local: boolean, more: Partial<Intent>): Intent {
  const own = { node: 'hv1' };
  const many = Array.from({ length: count }, (_, at) => portOf(at + 100, local ? own : {}));
  const subnets = [
    { prefix: '10.0.0.0/16', gateway: '10.0.255.254' },
    { prefix: 'fd00:10::/64', gateway: 'fd00:10::1' },
  ];
  return {
    version: 1,
    sidBlock: 'fd00:5e::/32',
    nodes: NODES.map((name, at) => ({
      ...{ name, locator: `fd00:5e:${at + 1}::/48`, source: `fd00:5e:${at + 1}::1` },
    })),
    tenants: [
      { name: 'red', id: 100, subnets, dscp: 'copy' },
      { name: 'blue', id: 200, subnets: [{ prefix: '10.9.0.0/24', gateway: '10.9.0.1' }], dscp: 'copy' },
    ],
    ports: [portOf(2, own), portOf(3, own), portOf(4, { ...own, prefixes: ['192.168.4.0/24'] }), ...many],
    paths: [{ to: 'hv2', via: ['fd00:5e:9:1::'] }],
    ...more,
  };
}

/**
 * Ports that are the first and the last by any order, and one between them; each goes, comes back and changes. And a tenant that is new on this
 * node, whose ports elsewhere come with its first.
 */
function* changesOf(intent: Intent, local: boolean): Generator<IntentChange> {
  const { ports } = intent;
  for (const before of [ports[3], ports[ports.length >> 1], ports.at(-1)]) {
    assert(before !== undefined);
    const { name: key } = before;
    const moved = { ...before, node: before.node === 'hv2' ? 'hv3' : 'hv2' };
    const other = { ...before, addresses: ['10.0.250.250', 'fd00:10::2'] };
    yield { kind: 'port', key, before };
    yield { kind: 'port', key, after: before };
    yield { kind: 'port', key, before, after: moved };
    yield { kind: 'port', key, before: moved, after: other };
    yield { kind: 'port', key, before: other, after: before };
  }
  // The node's own settings are planned anew with it, which go over its own ports.
  if (local) return;
  const blue = portOf(1, { tenant: 'blue', node: 'hv1', addresses: ['10.9.0.9'] });
  yield { kind: 'port', key: 'p1', after: blue };
  yield { kind: 'port', key: 'p1', before: blue };
}

const FACTS: NodeFacts = { uplinkMtu: 1500 };
const FAST: NodeFacts = { ...FACTS, fastpath: { xdp: ['eth0'] } };
const CONFIG: NodeConfig = {
  ...{
    node: 'hv1',
    uplinks: ['eth0'],
    dataplane: 'kernel',
    xdp: 'never',
    behaviours: ['dt46'],
    intent: '/intent.yaml',
  },
};
const STEERED: Partial<Intent> = { gateways: [{ name: 'gw', nodes: ['nn1'], tenants: ['red', 'blue'] }] };
const NETWORK_NODE: Partial<Intent> = {
  gateways: [{ name: 'gw', nodes: ['hv1'], tenants: ['red', 'blue'] }],
  policies: [
    {
      ...{ name: 'web', from: { tenant: 'blue' }, to: { tenant: 'red' }, protocol: 'tcp', ports: [80] },
      ...{ action: 'allow', priority: 1000 },
    },
  ],
};

describe.each([
  ['kernel mode, entries of proxy NDP', CONFIG, FACTS, {}],
  ['kernel mode, an NDP responder', CONFIG, { ...FACTS, responder: {} }, {}],
  ['hybrid mode', { ...CONFIG, dataplane: 'hybrid' }, FAST, {}],
  ['ebpf mode', { ...CONFIG, dataplane: 'ebpf' }, FAST, {}],
  ['ebpf, the tenant has a gateway', { ...CONFIG, dataplane: 'ebpf' }, FAST, STEERED],
  ['ebpf, a network node', { ...CONFIG, dataplane: 'ebpf' }, FAST, NETWORK_NODE],
] as [string, NodeConfig, NodeFacts, Partial<Intent>][])('a change of one port in %s', (what, config, facts, more) => {
  /** Of each change. */
  const costs = (count: number, local: boolean): number[] => {
    const intent = intentOf(count, local, more);
    const planner = plannerOf(config, facts, intent);
    return [...changesOf(intent, local)].map((change) => visitsOf(() => void planner.apply([change])));
  };

  it.each([
    ['other nodes', false],
    ['this node', true],
  ])('costs the same with few and with many ports on %s', (_where, local) => {
    // Entries of proxy NDP are each port's own for each member.
    if (local && what.includes('proxy NDP')) return;
    const [few, many] = [costs(FEW, local), costs(MANY, local)];
    for (const [at, cost] of many.entries()) expect(cost, `change ${at}`).toBeLessThanOrEqual((few[at] ?? 0) + CHUNK);
  });
});
