/** 100,000 routes by next-hop object all arrive; the figures, of this machine and run, are printed. */
import { expect, test } from 'vitest';
import { executeAll } from '../../../src/netlink/execute-all.js';
import { createNexthop } from '../../../src/netlink/nexthop.js';
import { createRoute, decodeRoute, deleteRoute, dumpRoutesRequest } from '../../../src/netlink/route.js';
import type { RouteSpec } from '../../../src/netlink/types.js';
import { TestNetns } from './harness.js';

const ROUTES = 100_000;
const NEXTHOPS = 1_000;
const TABLE = 0x5e000001;

function routes(make: (index: number) => Partial<RouteSpec>): RouteSpec[] {
  return Array.from({ length: ROUTES }, (_, i) => ({
    table: TABLE,
    prefix: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`,
    protocol: 94,
    ...make(i),
  }));
}

const segment = (i: number): string => `fd00:5e:${(i % NEXTHOPS).toString(16)}:4600:64::`;

function report(what: string, count: number, milliseconds: number): void {
  const perSecond = Math.round(count / milliseconds);
  console.log(`${what}: ${perSecond} k/s, ${((milliseconds * 1e6) / count).toFixed(0)} ns each`);
}

test('100,000 routes are installed, by next-hop object and with a tunnel each', async () => {
  const netns = new TestNetns();
  const oif = netns.veth();
  let start = performance.now();
  const nexthops = await executeAll(
    netns.socket,
    Array.from({ length: NEXTHOPS }, (_, i) =>
      createNexthop({ id: 1 + i, family: 4, oif, encap: { type: 'seg6', mode: 'encap.red', segments: [segment(i)] } }),
    ),
  );
  report('create next hops', NEXTHOPS, performance.now() - start);
  expect(nexthops).toMatchObject({ done: NEXTHOPS, failures: [] });

  for (const batchSize of [32, 64, 128]) {
    const byNexthop = routes((i) => ({ nexthopId: 1 + (i % NEXTHOPS) }));
    start = performance.now();
    const created = await executeAll(netns.socket, byNexthop.map(createRoute), { batchSize });
    report(
      `create next-hop routes, batches of ${batchSize}, ${created.retries} retries`,
      ROUTES,
      performance.now() - start,
    );
    expect(created).toMatchObject({ done: ROUTES, failures: [] });
    start = performance.now();
    const listed = netns.socket.dump(dumpRoutesRequest({ family: 4, table: TABLE }), decodeRoute);
    report('list them', ROUTES, performance.now() - start);
    expect(listed).toHaveLength(ROUTES);
    start = performance.now();
    const deleted = await executeAll(netns.socket, byNexthop.map(deleteRoute), { batchSize });
    report('delete them', ROUTES, performance.now() - start);
    expect(deleted).toMatchObject({ done: ROUTES, failures: [] });
  }

  const own = routes((i) => ({ oif, encap: { type: 'seg6', mode: 'encap.red', segments: [segment(i)] } }));
  start = performance.now();
  const created = await executeAll(netns.socket, own.map(createRoute));
  report(`create routes with a tunnel each, ${created.retries} retries`, ROUTES, performance.now() - start);
  expect(created).toMatchObject({ done: ROUTES, failures: [] });
  expect(netns.socket.dump(dumpRoutesRequest({ family: 4, table: TABLE }), decodeRoute)).toHaveLength(ROUTES);
});
