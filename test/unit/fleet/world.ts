/**
 * Random entities of a small world, in which names, addresses and ids often collide: most changes are valid, many are
 * not.
 */
import fc from 'fast-check';
import { keyOf } from '../../../src/fleet/keys.js';
import type { EntityValue, StoredKind } from '../../../src/fleet/types.js';

export interface Wish {
  key: string;
  after?: EntityValue;
}

const NODES = ['hv0', 'hv1', 'hv2', 'hv3'];
const TENANTS = ['red', 'blue', 'green', 'grey'];
const GATEWAYS = ['g0', 'g1'];
const EXTERNALS = ['inet', 'corp'];

const entity = (kind: StoredKind) => (value: object) => ({ kind, value });

const node = fc
  .record({
    name: fc.constantFrom(...NODES),
    locator: fc.nat({ max: 5 }).map((n) => `fd00:5e:${n + 1}::/48`),
    source: fc.nat({ max: 9 }).map((n) => `2001:db8::${n + 1}`),
    drain: fc.constantFrom<true | undefined>(undefined, undefined, true),
  })
  .map(({ drain, ...rest }) => ({ ...rest, ...(drain && { drain }) }))
  .map(entity('node'));

const tenant = fc
  .record({
    name: fc.constantFrom(...TENANTS),
    id: fc.integer({ min: 1, max: 6 }),
    net: fc.nat({ max: 3 }),
  })
  .map(({ name, id, net }) => ({
    name,
    id,
    subnets: [{ prefix: `10.${net}.0.0/16`, gateway: `10.${net}.0.1` }],
    dscp: 'copy',
  }))
  .map(entity('tenant'));

const port = fc
  .record({
    name: fc.nat({ max: 7 }).map((n) => `p${n}`),
    tenant: fc.constantFrom(...TENANTS),
    node: fc.constantFrom(...NODES),
    interface: fc.nat({ max: 9 }).map((n) => `tap${n}`),
    mac: fc.nat({ max: 9 }).map((n) => `02:00:00:00:00:0${n}`),
    net: fc.nat({ max: 3 }),
    host: fc.integer({ min: 2, max: 9 }),
    prefixes: fc.constantFrom([], [], ['172.16.0.0/24'], ['172.16.1.0/24'], ['172.16.0.0/16']),
  })
  .map(({ net, host, ...rest }) => ({ ...rest, addresses: [`10.${net}.0.${host}`] }))
  .map(entity('port'));

const path = fc
  .record({
    to: fc.constantFrom(...NODES),
    via: fc.constantFrom(['fd00:5e:9:1::'], ['fd00:5e:3:1::'], ['fd00:5e:2:4600::']),
    tenants: fc.option(fc.shuffledSubarray(TENANTS, { minLength: 1 }), { nil: undefined }),
  })
  .map(({ tenants, ...rest }) => ({ ...rest, ...(tenants && { tenants: [...tenants].sort() }) }))
  .map(entity('path'));

const gateway = fc
  .record({
    name: fc.constantFrom(...GATEWAYS),
    nodes: fc.shuffledSubarray(NODES, { minLength: 1, maxLength: 2 }),
    tenants: fc.shuffledSubarray(TENANTS, { minLength: 1 }),
  })
  .map(({ name, nodes, tenants }) => ({ name, nodes: [...nodes].sort(), tenants: [...tenants].sort() }))
  .map(entity('gateway'));

const external = fc
  .record({
    name: fc.constantFrom(...EXTERNALS),
    gateway: fc.constantFrom(...GATEWAYS),
    interface: fc.constantFrom('ext0', 'ext1'),
    prefixes: fc.constantFrom(['0.0.0.0/0'], ['192.0.2.0/24'], ['172.16.0.0/16']),
  })
  .map(entity('external'));

const end = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...TENANTS).map((name) => ({ tenant: name })) },
  { weight: 1, arbitrary: fc.constantFrom(...EXTERNALS).map((name) => ({ external: name })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...TENANTS), fc.constantFrom('172.16.0.0/24', '10.1.0.0/16'))
      .map(([name, prefix]) => ({
        tenant: name,
        prefixes: [prefix],
      })),
  },
);

const policy = fc
  .record({
    name: fc.nat({ max: 4 }).map((n) => `pol${n}`),
    from: end,
    to: end,
    protocol: fc.constant('any'),
    action: fc.constantFrom('allow', 'allow', 'deny'),
    priority: fc.constant(1000),
  })
  .map(entity('policy'));

const put = fc
  .oneof(
    { weight: 3, arbitrary: node },
    { weight: 4, arbitrary: tenant },
    { weight: 10, arbitrary: port },
    { weight: 2, arbitrary: path },
    { weight: 4, arbitrary: gateway },
    { weight: 2, arbitrary: external },
    { weight: 5, arbitrary: policy },
  )
  .map(({ kind, value }): Wish => ({ key: keyOf(kind, value as EntityValue), after: value as EntityValue }));

/** One change: an entity that is put, or the nth of those that are there removed. */
const step = fc.oneof(
  { weight: 5, arbitrary: put.map((wish) => ({ wish })) },
  { weight: 2, arbitrary: fc.nat().map((nth) => ({ nth })) },
);

/** Sets of changes, each of which is made at once. */
export const steps = fc.array(fc.array(step, { minLength: 1, maxLength: 4, size: 'max' }), {
  minLength: 1,
  maxLength: 60,
  size: 'max',
});

/** What a set of steps asks of the entities there are; each key once. */
export function wishesOf(
  set: readonly ({ wish: Wish } | { nth: number })[],
  entities: ReadonlyMap<string, EntityValue>,
): Wish[] {
  const keys = [...entities.keys()].filter((key) => key !== 'block');
  const wishes = set.flatMap((one): Wish[] => {
    if ('wish' in one) return [one.wish];
    const key = keys[one.nth % Math.max(keys.length, 1)];
    return key === undefined ? [] : [{ key }];
  });
  return [...new Map(wishes.map((wish) => [wish.key, wish])).values()];
}

/** A world to begin with. */
export const BEGINNING: [string, EntityValue][] = [
  ['block', 'fd00:5e::/32'],
  ...NODES.map((name, i): [string, EntityValue] => [
    `node/${name}`,
    { name, locator: `fd00:5e:${i + 1}::/48`, source: `2001:db8::${i + 1}` },
  ]),
  ...TENANTS.slice(0, 3).map((name, i): [string, EntityValue] => [
    `tenant/${name}`,
    { name, id: i + 1, subnets: [{ prefix: `10.${i}.0.0/16`, gateway: `10.${i}.0.1` }], dscp: 'copy' },
  ]),
];

export { NODES };
