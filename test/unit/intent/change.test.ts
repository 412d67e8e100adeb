import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffIntent, parseIntent, scopeTo } from '../../../src/app/intent.js';
import { IntentEntities } from './intent-entities.js';
import type { Intent } from '../../../src/intent/types.js';
import { rawIntent } from './arbitrary.js';
import { pathKey } from '../../../src/encap/path.js';
import { tenantsOf } from '../../../src/gateway/intent.js';

const intent = rawIntent.map((raw) => parseIntent(JSON.stringify(raw), { file: 'intent.json' }));

/** The intent with everything whose order says nothing sorted. */
function sorted(value: Intent): unknown {
  const by = <T>(key: (item: T) => string, items: T[]): T[] => [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return {
    ...value,
    nodes: by(({ name }) => name, value.nodes),
    tenants: by(({ name }) => name, value.tenants),
    ports: by(({ name }) => name, value.ports),
    paths: by(pathKey, value.paths),
    ...(value.policies && { policies: by(({ name }) => name, value.policies) }),
  };
}

describe('diffIntent', { timeout: 300_000 }, () => {
  it('transforms one intent into the other', () => {
    fc.assert(
      fc.property(intent, intent, (a, b) => {
        const entities = new IntentEntities(a);
        expect(entities.intent()).toEqual(a);
        entities.apply(diffIntent(a, b));
        expect(sorted(entities.intent())).toEqual(sorted(b));
      }),
    );
  });

  it('is empty for intents that differ only in the order of their lists', () => {
    fc.assert(
      fc.property(intent, (a) => {
        const copy = structuredClone(a);
        for (const list of [copy.nodes, copy.tenants, copy.ports, copy.paths]) list.reverse();
        for (const port of copy.ports) port.addresses.reverse();
        for (const tenant of copy.tenants) tenant.subnets.reverse();
        for (const { nodes, tenants } of copy.gateways ?? []) for (const list of [nodes, tenants]) list.reverse();
        copy.policies?.reverse();
        for (const { from, to } of copy.policies ?? []) for (const end of [from, to]) end.prefixes?.reverse();
        expect(diffIntent(a, copy)).toEqual([]);
      }),
    );
  });

  it('lists each entity once, with its old and new value', () => {
    fc.assert(
      fc.property(intent, intent, (a, b) => {
        const changes = diffIntent(a, b);
        expect(new Set(changes.map(({ kind, key }) => `${kind} ${key}`)).size).toBe(changes.length);
        for (const change of changes) {
          expect(change.before ?? change.after).toBeDefined();
          expect(change.before).not.toEqual(change.after);
        }
        const turned = diffIntent(b, a).map(({ kind, key }) => `${kind} ${key}`);
        expect(turned.sort()).toEqual(changes.map(({ kind, key }) => `${kind} ${key}`).sort());
      }),
    );
  });

  it('detects a change of each field of each entity', () => {
    const [before] = fc.sample(
      intent.filter(({ ports, paths, policies }) => ports.length > 0 && paths.length > 0 && policies !== undefined),
      { seed: 1, numRuns: 1 },
    );
    if (!before) throw new Error('no sample');
    const edits: [kinds: string, edit: (copy: Intent) => unknown][] = [
      ['block', (c) => (c.sidBlock = 'fd00:5c::/30')],
      ['node', (c) => Object.assign(c.nodes[0] ?? {}, { locator: 'fd00:5e:99::/48' })],
      ['source source node', (c) => Object.assign(c.nodes[0] ?? {}, { source: '2001:db8::99' })],
      ['trusted', (c) => (c.trusted = ['2001:db8:ff::/48'])],
      [
        'source node',
        (c) => {
          const [node] = c.nodes;
          if (node) node.acceptedSources = ['2001:db8::98', ...(node.acceptedSources ?? [])];
        },
      ],
      ['tenant', (c) => Object.assign(c.tenants[0] ?? {}, { id: 9999 })],
      ['tenant', (c) => Object.assign(c.tenants[0] ?? {}, { dscp: 64 })],
      ['tenant', (c) => Object.assign(c.tenants[0] ?? {}, { mtu: 1 })],
      ['tenant', (c) => Object.assign(c.tenants[0] ?? {}, { gatewayMac: '02:00:00:00:00:99' })],
      ['tenant', (c) => Object.assign(c.tenants[0]?.subnets[0] ?? {}, { gateway: '10.0.0.2' })],
      ['tenant', (c) => c.tenants[0]?.subnets.pop()],
      ['port', (c) => Object.assign(c.ports[0] ?? {}, { tenant: 'x' })],
      ['port', (c) => Object.assign(c.ports[0] ?? {}, { node: 'x' })],
      ['port', (c) => Object.assign(c.ports[0] ?? {}, { interface: 'x' })],
      ['port', (c) => Object.assign(c.ports[0] ?? {}, { mac: 'x' })],
      ['port', (c) => c.ports[0]?.addresses.push('10.0.9.9')],
      ['port', (c) => c.ports[0]?.prefixes.push('172.31.0.0/16')],
      ['path', (c) => c.paths[0]?.via.push('fd00:5e:9:1::')],
      ['gateway', (c) => c.gateways?.[0]?.nodes.push('x')],
      ['gateway', (c) => c.gateways?.[0]?.tenants.push('x')],
      ['external', (c) => c.externals?.[0]?.prefixes.push('192.0.2.0/24')],
      ['external', (c) => Object.assign(c.externals?.[0] ?? {}, { interface: 'x' })],
      ['external', (c) => Object.assign(c.externals?.[0] ?? {}, { gateway: 'x' })],
      ['policy', (c) => Object.assign(c.policies?.[0] ?? {}, { protocol: 'x' })],
      ['policy', (c) => Object.assign(c.policies?.[0] ?? {}, { ports: [7] })],
      ['policy', (c) => Object.assign(c.policies?.[0] ?? {}, { action: 'x' })],
      ['policy', (c) => Object.assign(c.policies?.[0] ?? {}, { log: 'x' })],
      ['policy', (c) => Object.assign(c.policies?.[0] ?? {}, { priority: -1 })],
      ['policy', (c) => Object.assign(c.policies?.[0] ?? {}, { from: { tenant: 'x' } })],
      ['policy', (c) => Object.assign(c.policies?.[0]?.to ?? {}, { prefixes: ['192.0.2.0/24'] })],
    ];
    for (const [kind, edit] of edits) {
      const after = structuredClone(before);
      edit(after);
      expect(
        diffIntent(before, after).map((change) => change.kind),
        edit.toString(),
      ).toEqual(kind.split(' '));
    }
    const other = structuredClone(before);
    const node = other.nodes[0];
    if (node) node.behaviours = node.behaviours?.[0] === 'dt4' ? ['dt46'] : ['dt4', 'dt6'];
    expect(diffIntent(before, other)).toHaveLength(1);
    const drained = structuredClone(before);
    if (drained.nodes[0]?.drain === true) delete drained.nodes[0].drain;
    else Object.assign(drained.nodes[0] ?? {}, { drain: true });
    expect(diffIntent(before, drained)).toHaveLength(1);
  });
});

describe('scopeTo', { timeout: 300_000 }, () => {
  it('retains the tenants with a port on the node, all their ports, and what these need', () => {
    fc.assert(
      fc.property(intent, fc.constantFrom('hv0', 'hv1', 'hv2', 'hv3'), (whole, node) => {
        const scope = scopeTo(whole, node);
        const gateways = whole.gateways ?? [];
        const isNetworkNode = gateways.some(({ nodes }) => nodes.includes(node));
        for (const tenant of whole.tenants) {
          const ports = whole.ports.filter((port) => port.tenant === tenant.name);
          // All tenants of the sample are the one gateway's.
          const hosted = ports.some((port) => port.node === node) || isNetworkNode;
          expect(scope.tenants.includes(tenant)).toBe(hosted);
          for (const port of ports) expect(scope.ports.includes(port)).toBe(hosted);
        }
        const ofGateway = (scope.gateways ?? []).flatMap(({ nodes }) => nodes);
        const needed = new Set([node, ...scope.ports.map((port) => port.node), ...ofGateway]);
        expect(new Set(scope.nodes.map(({ name }) => name))).toEqual(needed);
        const tenants = new Set(scope.tenants.map(({ name }) => name));
        for (const path of whole.paths) {
          const kept = scope.paths.filter(({ to }) => to === path.to);
          const forTenants = path.tenants?.filter((name) => tenants.has(name)).length ?? 1;
          const wanted = path.to !== node && needed.has(path.to) && forTenants > 0;
          expect(kept).toHaveLength(wanted ? 1 : 0);
          for (const name of kept[0]?.tenants ?? []) expect(tenants.has(name)).toBe(true);
          if (path.tenants && wanted) expect(kept[0]?.tenants).toHaveLength(forTenants);
        }
      }),
    );
  });

  it('retains the gateways, external networks and policies of its tenants', () => {
    fc.assert(
      fc.property(intent, fc.constantFrom('hv0', 'hv1', 'hv2', 'hv3'), (whole, node) => {
        const scope = scopeTo(whole, node);
        const names = new Set(scope.tenants.map(({ name }) => name));
        const kept = (whole.gateways ?? []).filter(({ tenants }) => tenants.some((name) => names.has(name)));
        expect(scope.gateways?.map(({ name }) => name) ?? []).toEqual(kept.map(({ name }) => name));
        for (const { tenants } of scope.gateways ?? []) expect(new Set(tenants)).toEqual(names);
        expect(scope.externals).toEqual(kept.length > 0 ? whole.externals : undefined);
        const policies = (whole.policies ?? []).filter((policy) => tenantsOf(policy).some((name) => names.has(name)));
        expect(scope.policies ?? []).toEqual(policies);
      }),
    );
  });

  it('retains the subnets and prefixed ports of tenants that policies connect with local ones', () => {
    const port = { mac: '02:00:00:00:00:0a', interface: 'tap0' };
    const whole = parseIntent(
      JSON.stringify({
        version: 1,
        sidBlock: 'fd00:5e::/32',
        nodes: [1, 2, 3].map((n) => ({ name: `n${n}`, locator: `fd00:5e:${n}::/48` })),
        tenants: ['red', 'blue', 'green'].map((name, i) => ({
          ...{ name, id: i + 1, subnets: [{ prefix: `10.${i}.0.0/24`, gateway: `10.${i}.0.1` }] },
        })),
        ports: [
          { ...port, name: 'a', tenant: 'red', node: 'n1', addresses: ['10.0.0.2'] },
          { ...port, name: 'b', tenant: 'blue', node: 'n2', addresses: ['10.1.0.2'], prefixes: ['192.0.2.0/24'] },
          { ...port, name: 'c', tenant: 'blue', node: 'n3', addresses: ['10.1.0.3'], mac: '02:00:00:00:00:0b' },
        ],
        gateways: [{ name: 'gw', nodes: ['n3'], tenants: ['red', 'blue', 'green'] }],
        policies: [{ name: 'p', from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'any', action: 'allow' }],
      }),
      { file: 'intent.json' },
    );
    const scope = scopeTo(whole, 'n1');
    expect(scope.tenants.map(({ name }) => name)).toEqual(['red', 'blue']);
    expect(scope.ports.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(scope.gateways).toEqual([{ name: 'gw', nodes: ['n3'], tenants: ['blue', 'red'] }]);
    expect(scopeTo(whole, 'n3').ports).toEqual(whole.ports);
  });

  it('is idempotent', () => {
    fc.assert(
      fc.property(intent, (whole) => {
        const scope = scopeTo(whole, 'hv1');
        expect(scopeTo(scope, 'hv1')).toEqual(scope);
      }),
    );
  });
});
