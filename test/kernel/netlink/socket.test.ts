import { describe, expect, test } from 'vitest';
import { NetlinkError } from '../../../src/netlink/error.js';
import { executeAll, type Executor, MAX_ATTEMPTS } from '../../../src/netlink/execute-all.js';
import { deleteLink, setLink } from '../../../src/netlink/link.js';
import {
  createNexthop,
  decodeNexthop,
  deleteNexthop,
  dumpNexthopsRequest,
  replaceNexthop,
} from '../../../src/netlink/nexthop.js';
import type { NetlinkRequest } from '../../../src/netlink/request.js';
import { createRoute, decodeRoute, deleteRoute, dumpRoutesRequest } from '../../../src/netlink/route.js';
import { type NetlinkResult, NetlinkSocket } from '../../../src/netlink/socket.js';
import { TestNetns } from './harness.js';

const TABLE = 0x5e000064;
const route = (i: number): NetlinkRequest =>
  createRoute({ table: TABLE, prefix: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`, type: 'blackhole' });
const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);

function count(socket: NetlinkSocket): number {
  return socket.dump(dumpRoutesRequest({ family: 4, table: TABLE }), decodeRoute).length;
}

describe('batches', () => {
  test('give each request a result of its own, whichever fails', () => {
    const { socket } = new TestNetns();
    socket.request(route(3));
    const requests = range(300).map(route);
    requests[7] = createRoute({ table: TABLE, prefix: '10.0.0.7/24', type: 'blackhole' });
    requests[200] = createRoute({ table: TABLE, prefix: '10.9.9.9/32', nexthopId: 999 });
    // The last of a batch is the one that carries the ACK.
    requests[127] = route(3);
    requests[299] = deleteRoute({ table: TABLE, prefix: '10.8.0.0/16' });
    const results = socket.execute(requests);
    expect(results).toHaveLength(300);
    const failed = results.flatMap((result, i) => (result.ok ? [] : [[i, result.error.message]]));
    expect(failed).toEqual([
      [3, `create route blackhole 10.0.0.3/32 table ${TABLE}: EEXIST`],
      [
        7,
        `create route blackhole 10.0.0.7/24 table ${TABLE}: "10.0.0.7/24": expected no bits set beyond the length: 10.0.0.0/24`,
      ],
      [127, `create route blackhole 10.0.0.3/32 table ${TABLE}: EEXIST`],
      [200, `create route 10.9.9.9/32 nhid 999 table ${TABLE}: EINVAL: Nexthop id does not exist`],
      [299, `delete route 10.8.0.0/16 table ${TABLE}: ESRCH`],
    ]);
    expect(count(socket)).toBe(300 - 4);
    expect(socket.execute([])).toEqual([]);
  });

  test('of invalid specs only never reach the kernel', () => {
    const { socket } = new TestNetns();
    const results = socket.execute(range(200).map(() => createRoute({ table: 1, prefix: 'x' })));
    expect(results).toHaveLength(200);
    expect(results.every((result) => !result.ok && result.error.code === 'NETLINK_ENCODE')).toBe(true);
  });

  test('are split for large messages', () => {
    const { socket } = new TestNetns();
    socket.request(createNexthop({ id: 1, family: 4, blackhole: true }));
    expect(
      socket.execute(range(20, 10).map((id) => createNexthop({ id, group: [{ id: 1, weight: 1 }] }))),
    ).toHaveLength(20);
    // 40 messages of 32 KiB each: the kernel refuses the group, but must have been asked 40 times.
    const group = range(4000).map((i) => ({ id: 5000 + i, weight: 1 }));
    const results = socket.execute(range(40, 100).map((id) => createNexthop({ id, group })));
    expect(results.map((result) => (result.ok ? 'ok' : result.error.code))).toEqual(
      range(40).map(() => 'NETLINK_EINVAL'),
    );
  });

  test('query lost answers one by one when the buffer overflows', async () => {
    const netns = new TestNetns();
    const socket = NetlinkSocket.open({ protocol: 'route', netns: netns.name, receiveBufferBytes: 2048 });
    try {
      const missing = range(128).map((i) => deleteRoute({ table: TABLE, prefix: `10.0.0.${i}/32` }));
      const lost = socket.execute(missing).filter((result) => !result.ok && result.error.code === 'NETLINK_LOST');
      expect(lost.length).toBeGreaterThan(0);
      const result = await executeAll(socket, missing, { batchSize: 128 });
      expect(result.retries).toBeGreaterThan(0);
      expect(result.failures.map(({ index, error }) => [index, error.code])).toEqual(
        range(128).map((i) => [i, 'NETLINK_ESRCH']),
      );
      // And the socket is in order again.
      socket.request(route(1));
      expect(count(socket)).toBe(1);
    } finally {
      socket.close();
    }
  });

  test('are refused on a closed socket', () => {
    const netns = new TestNetns();
    const socket = NetlinkSocket.open({ protocol: 'route', netns: netns.name });
    socket.close();
    socket.close();
    expect(() => socket.execute([route(1)])).toThrow('expected an open socket');
  });
});

describe('executeAll', () => {
  test('continues after failures, in order, and lets the event loop run', async () => {
    const { socket } = new TestNetns();
    let turns = 0;
    let running = true;
    const tick = (): void => {
      turns++;
      if (running) setImmediate(tick);
    };
    setImmediate(tick);
    const told: number[] = [];
    function* requests(): Generator<NetlinkRequest> {
      for (let i = 0; i < 5000; i++) yield i % 1000 === 500 ? createRoute({ table: TABLE, prefix: 'x' }) : route(i);
    }
    const result = await executeAll(socket, requests(), { onFailure: ({ index }) => told.push(index) });
    running = false;
    expect(result.done).toBe(4995);
    expect(result.failures.map(({ index }) => index)).toEqual([500, 1500, 2500, 3500, 4500]);
    expect(told).toEqual([500, 1500, 2500, 3500, 4500]);
    expect(turns).toBeGreaterThanOrEqual(Math.floor(5000 / 64));
    expect(count(socket)).toBe(4995);
  });

  test('stops between batches', async () => {
    const { socket } = new TestNetns();
    const controller = new AbortController();
    const requests = (function* (): Generator<NetlinkRequest> {
      for (let i = 0; i < 1000; i++) {
        if (i === 100) controller.abort();
        yield route(i);
      }
    })();
    const result = await executeAll(socket, requests, { batchSize: 50, signal: controller.signal });
    expect(result.done).toBe(150);
    expect(count(socket)).toBe(150);
  });

  test('retries ENOMEM until the request succeeds', async () => {
    const { socket } = new TestNetns();
    // The kernel cannot be made to run short on demand: every third request is refused in its name, twice, and
    // then put to it.
    const refusals = new Map<NetlinkRequest, number>();
    let asked = 0;
    const short: Executor = {
      execute(requests) {
        const passed: NetlinkRequest[] = [];
        const results = requests.map((request): NetlinkResult | undefined => {
          const refused = refusals.get(request) ?? (asked++ % 3 === 0 ? 0 : 2);
          refusals.set(request, refused + 1);
          if (refused < 2) return { ok: false, error: new NetlinkError({ operation: request.describe(), errno: 12 }) };
          passed.push(request);
          return undefined;
        });
        const answers = socket.execute(passed);
        return results.flatMap((result) => result ?? answers.splice(0, 1));
      },
    };
    const requests = range(1000).map(route);
    requests[500] = createRoute({ table: TABLE, prefix: 'x' });
    const result = await executeAll(short, requests);
    expect(result.failures.map(({ index, error }) => [index, error.code])).toEqual([[500, 'NETLINK_ENCODE']]);
    expect(result).toMatchObject({ done: 999, retries: 2 * 334 });
    expect(count(socket)).toBe(999);
  });

  test('fails after repeated ENOMEM', async () => {
    let calls = 0;
    const never: Executor = {
      execute: (requests) => {
        calls++;
        return requests.map((request) => ({
          ok: false,
          error: new NetlinkError({ operation: request.describe(), errno: 12 }),
        }));
      },
    };
    const result = await executeAll(never, [route(1)]);
    expect(result.failures).toMatchObject([{ index: 0, error: { code: 'NETLINK_ENOMEM' } }]);
    expect(calls).toBe(MAX_ATTEMPTS);
  });

  test('installs 20,000 tunnel routes despite failures of the per-CPU allocator', async () => {
    const netns = new TestNetns();
    const oif = netns.veth();
    const seg6 = (i: number): NetlinkRequest =>
      createRoute({
        table: TABLE,
        prefix: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`,
        oif,
        encap: { type: 'seg6', mode: 'encap', segments: ['fd00::1'] },
      });
    const result = await executeAll(netns.socket, range(20_000).map(seg6), { batchSize: 128 });
    console.log(`ENOMEM from the kernel: ${result.retries} of 20,000`);
    expect(result).toMatchObject({ done: 20_000, failures: [] });
    expect(count(netns.socket)).toBe(20_000);
  });
});

describe('dumps', () => {
  const NEXTHOPS = 3000;

  function withNexthops(): TestNetns {
    const netns = new TestNetns();
    const results = netns.socket.execute(
      range(NEXTHOPS, 1).map((id) => createNexthop({ id, family: 4, blackhole: true })),
    );
    expect(results.every(({ ok }) => ok)).toBe(true);
    return netns;
  }

  test('restart when the objects change during them', () => {
    const { socket, name } = withNexthops();
    using other = NetlinkSocket.open({ protocol: 'route', netns: name });
    let interruptions = 0;
    let first = 0;
    const ids = socket.dump(dumpNexthopsRequest({}), (view) => {
      const id = decodeNexthop(view)?.id;
      // Between two parts of the dump somebody else changes an object.
      if (id === 1 && interruptions < 2) {
        interruptions++;
        other.request(replaceNexthop({ id: NEXTHOPS, family: 6, blackhole: true }));
        other.request(replaceNexthop({ id: NEXTHOPS + interruptions, family: 6, blackhole: true }));
      }
      if (id === 1) first++;
      return id;
    });
    expect(interruptions).toBe(2);
    expect(first).toBe(3);
    expect(socket.dumpRestarts).toBe(2);
    expect(ids).toEqual(range(NEXTHOPS + 2, 1));
  });

  test('fail after a bounded number of restarts', () => {
    const { socket, name } = withNexthops();
    using other = NetlinkSocket.open({ protocol: 'route', netns: name });
    let id = NEXTHOPS;
    expect(() =>
      socket.dump(dumpNexthopsRequest({}), (view) => {
        if (decodeNexthop(view)?.id === 1) other.request(createNexthop({ id: ++id, family: 4, blackhole: true }));
        return undefined;
      }),
    ).toThrow(
      expect.objectContaining({
        code: 'NETLINK_DUMP_INTERRUPTED',
        message: 'list nexthops: the objects changed while they were listed, 16 times in a row',
      }),
    );
    expect(socket.dump(dumpNexthopsRequest({}), decodeNexthop)).toHaveLength(id);
  });

  test('survive a decoder that throws', () => {
    const { socket } = withNexthops();
    let seen = 0;
    expect(() =>
      socket.dump(dumpNexthopsRequest({}), () => {
        seen++;
        throw new Error('decoder');
      }),
    ).toThrow('decoder');
    expect(seen).toBe(1);
    expect(socket.dump(dumpNexthopsRequest({}), decodeNexthop)).toHaveLength(NEXTHOPS);
  });

  test('refuse a decoder that uses their own socket', () => {
    const { socket } = withNexthops();
    expect(() =>
      socket.dump(dumpNexthopsRequest({}), () => socket.dump(dumpNexthopsRequest({}), decodeNexthop)),
    ).toThrow('expected another socket');
    expect(socket.dump(dumpNexthopsRequest({}), decodeNexthop)).toHaveLength(NEXTHOPS);
  });

  test('fail for an object that does not exist', () => {
    const { socket } = new TestNetns();
    for (const request of [deleteNexthop(1), deleteLink('nobody'), setLink(4242, { up: true })]) {
      expect(() => {
        socket.request(request);
      }).toThrow(expect.objectContaining({ name: 'NetlinkError' }));
    }
  });
});
