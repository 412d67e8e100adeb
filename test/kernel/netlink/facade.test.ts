/** The facade agrees with `ip` on the same namespace. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { NetlinkError, resolveFamily, Rtnetlink, SystemCallError } from '../../../src/netlink/index.js';
import { TestNetns } from './harness.js';

function open(netns: TestNetns): Rtnetlink {
  const rt = Rtnetlink.open({ netns: netns.name });
  onTestFinished(() => {
    rt.close();
  });
  return rt;
}

/** What fn throws, which must be of the family. */
function failure(fn: () => unknown): NetlinkError {
  try {
    fn();
  } catch (error) {
    if (error instanceof NetlinkError) return error;
    throw error;
  }
  throw new Error('expected it to throw');
}

describe('facade', () => {
  test('creates, changes, renames, enslaves and removes links', () => {
    const netns = new TestNetns();
    const rt = open(netns);
    const bridge = rt.links.create({ name: 'br0', kind: 'bridge', up: true });
    expect(bridge).toMatchObject({ name: 'br0', kind: 'bridge' });
    rt.links.create({ name: 'a', kind: 'veth', master: 'br0', peer: { name: 'b' } });
    expect(rt.links.list({ master: 'br0' }).map(({ name }) => name)).toEqual(['a']);
    rt.links.set('a', { master: 0 });
    expect(rt.links.get('a')?.master).toBeUndefined();
    rt.links.set('a', { name: 'renamed', mtu: 1400, alias: 'as it is' });
    const [shown] = netns.ipJson<{ ifname: string; mtu: number; ifalias: string }>('link show renamed');
    expect(shown).toMatchObject({ ifname: 'renamed', mtu: 1400, ifalias: 'as it is' });
    expect([rt.links.delete('renamed'), rt.links.delete('renamed')]).toEqual([true, false]);
    expect(rt.links.get('b')).toBeUndefined();
  });

  test('uses table main unless given another, both families for default, and takes bare addresses', () => {
    const netns = new TestNetns();
    netns.veth();
    const rt = open(netns);
    rt.addresses.create({ dev: 'v0', address: '192.0.2.1', length: 24 });
    rt.addresses.create({ dev: 'v0', address: 'fd00::1', length: 64, nodad: true });
    rt.routes.create({ prefix: 'default', gateway: '192.0.2.254' });
    rt.routes.create({ prefix: 'default', gateway: 'fd00::fe' });
    rt.routes.create({ prefix: '198.51.100.7', dev: 'v0', table: 1000 });
    rt.routes.create({ prefix: 'default', family: 6, type: 'unreachable', metric: 4096, table: 1000 });
    const dst = (line: string): string[] => netns.ipJson<{ dst: string }>(line).map((route) => route.dst);
    expect(dst('route show table main default')).toEqual(['default']);
    expect(dst('-6 route show table main default')).toEqual(['default']);
    expect(dst('route show table 1000')).toEqual(['198.51.100.7']);
    expect(dst('-6 route show table 1000')).toEqual(['default']);
    expect(rt.routes.list({ table: 1000 }).map(({ prefix }) => prefix)).toEqual(['198.51.100.7/32', '::/0']);
    expect(rt.routes.get('203.0.113.9')).toMatchObject({ gateway: '192.0.2.254' });
    expect([rt.routes.delete({ prefix: 'default' }), rt.routes.delete({ prefix: 'default' })]).toEqual([true, false]);
    expect(rt.routes.get('203.0.113.9')).toBeUndefined();
  });

  test('manages next hops, neighbours and rules', () => {
    const netns = new TestNetns();
    netns.veth();
    const rt = open(netns);
    rt.addresses.create({ dev: 'v0', address: '192.0.2.1', length: 24 });
    rt.nexthops.create({ id: 7, gateway: '192.0.2.254', dev: 'v0' });
    rt.nexthops.replace({ id: 7, gateway: '192.0.2.253', dev: 'v0' });
    expect(rt.nexthops.get(7)).toMatchObject({ id: 7, gateway: '192.0.2.253' });
    expect(rt.nexthops.get(8)).toBeUndefined();
    rt.routes.create({ prefix: 'default', nexthopId: 7 });
    expect(netns.ipJson('route show default')).toMatchObject([{ nhid: 7 }]);
    rt.neighbours.replace({ dev: 'v0', address: '192.0.2.253', mac: '02:00:00:00:00:01' });
    expect(netns.ipJson('-4 neigh show dev v0')).toMatchObject([{ dst: '192.0.2.253', lladdr: '02:00:00:00:00:01' }]);
    expect(rt.neighbours.list({ dev: 'v0', family: 4 }).map(({ address }) => address)).toEqual(['192.0.2.253']);
    expect(rt.neighbours.delete({ dev: 'v0', address: '192.0.2.253' })).toBe(true);
    rt.rules.create({ priority: 100, from: 'fd00::/64', table: 1000 });
    rt.rules.create({ priority: 101, from: '192.0.2.1' });
    expect(netns.ipJson('-6 rule show pref 100')).toMatchObject([{ src: 'fd00::', srclen: 64, table: '1000' }]);
    expect(netns.ipJson('rule show pref 101')).toMatchObject([{ src: '192.0.2.1', table: 'main' }]);
    expect([
      rt.rules.delete({ priority: 101, from: '192.0.2.1' }),
      rt.rules.delete({ priority: 101, from: '192.0.2.1' }),
    ]).toEqual([true, false]);
    expect([rt.nexthops.delete(7), rt.nexthops.delete(7)]).toEqual([true, false]);
  });

  test('refuses invalid values of untyped callers by name', () => {
    const rt = open(new TestNetns());
    const from = (text: string): never => JSON.parse(text) as never;
    const cases: [fn: () => void, message: string][] = [
      [
        (): void => {
          rt.links.set('lo', from('{"mtus": 9000}'));
        },
        'set link lo: unknown key "mtus": expected up, mtu, mac, master, alias, name, netnsFd, netnsPid, txQueueLength',
      ],
      [
        (): void => {
          rt.routes.replace(from('{"table": 100}'));
        },
        'replace route: expected prefix',
      ],
      [
        (): void => {
          rt.routes.replace(from('{"prefix": "10.0.0.0/8", "table": "100"}'));
        },
        'replace route: table is a string: expected a number',
      ],
      [
        (): void => {
          rt.addresses.create(from('null'));
        },
        'create address: null: expected an object',
      ],
      [
        (): void => {
          rt.addresses.create({ dev: 'absent', address: '192.0.2.1', length: 24 });
        },
        'create address: device absent: ENODEV',
      ],
    ];
    for (const [fn, message] of cases) expect(failure(fn).message).toBe(message);
    expect(failure(cases[0]?.[0] ?? String).code).toBe('NETLINK_ARGUMENT');
  });

  test('reports namespaces, system calls and requests by one family of errors', () => {
    const netns = new TestNetns();
    expect(failure(() => Rtnetlink.open({ netns: 'absent-namespace' })).code).toBe('NETNS_ABSENT');
    expect(new SystemCallError('socket', 1, 'netlink route socket')).toBeInstanceOf(NetlinkError);
    const wrongSocket = failure(() => resolveFamily(netns.socket, 'nlctrl'));
    expect(wrongSocket.code).toBe('NETLINK_ARGUMENT');
    expect(wrongSocket.message).toBe(
      'get generic netlink family nlctrl: it was given to a route socket: expected one of protocol generic',
    );
    expect(resolveFamily(netns.open('generic'), 'nlctrl')?.name).toBe('nlctrl');
  });

  test('lets an unprivileged user list, and the kernel refuses changes', () => {
    const library = fileURLToPath(new URL('../../../src/netlink/dist/index.js', import.meta.url));
    const script = `
      import { Rtnetlink } from ${JSON.stringify(library)};
      const rt = Rtnetlink.open();
      console.log(rt.links.get('lo').name);
      try { rt.links.set('lo', { mtu: 1000 }); } catch (error) { console.log(error.code); }`;
    const argv = ['--reuid', '65534', '--clear-groups', process.execPath, '--input-type=module', '-e', script];
    const { stdout, stderr } = spawnSync('setpriv', argv, { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toBe('lo\nNETLINK_EPERM\n');
  });
});
