/** Objects of protocol 94 that segue did not make: the number alone proves nothing, so the agent leaves them alone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { diffOnce } from '../../../src/agent/apply.js';
import { Instance } from '../../../src/agent/instance.js';
import { purge } from '../../../src/agent/purge.js';
import { loadIntent } from '../../../src/app/intent.js';
import { loadNodeConfig } from '../../../src/intent/load.js';
import { outputOf } from '../../../lab/process.js';
import { createAddress, createNetns, decodeAddress, deleteNetns, dumpAddressesRequest } from 'netlink-ts';
import { AgentRun } from '../../netns/lib/agent-run.js';

const NETNS = `sgtk${process.pid}f`;
const directory = mkdtempSync(join(tmpdir(), 'segue-protocol-'));
const file = join(directory, 'node.yaml');

const DEVICES = `
ip link add fx0 type veth peer name fx1
ip link set fx0 up
ip link set fx1 up
`;
/** One line each: what somebody else made. */
const FOREIGN = `
ip route add 203.0.113.0/24 via 192.0.2.9 dev fx0 proto 94
ip route add blackhole 10.66.0.0/16 table 4242 proto 94
ip -6 route add blackhole fd00:77::/48 proto 94
ip -6 route add blackhole fd00:5e:1::/48 metric 2048 proto 94
ip -6 route add blackhole fd00:5e:1::/48 table 4242 metric 77 proto 94
ip -6 route add unreachable fd00:5e:1:aaaa::/64 proto 94
ip -6 route add fd00:5e:1:4600:6500::/128 dev fx0 proto 94
ip -6 route add 2001:db8:2::/48 encap seg6 mode encap segs 2001:db8:1::7 dev fx0 proto 94
ip -6 route add fd00:77:0:1::/128 encap seg6local action End dev fx0 proto 94
ip -6 route add fd00:77:0:2::/128 encap seg6local action End.DT6 table 4242 dev fx0 proto 94
ip rule add pref 990 from 192.0.2.0/24 lookup 4242 proto 94
ip -6 rule add pref 500 to 2001:db8:5::/48 lookup 4242 proto 94
ip -6 rule add pref 990 from 2001:db8:1::/64 lookup 4242 proto 94
ip -6 rule add pref 990 from 2001:db8:1::/64 to 2001:db8:2::/64 iif fx0 lookup main proto 94
ip -6 rule add pref 991 to 2001:db8:9::/64 unreachable proto 94
ip -6 rule add pref 32762 to 2001:db8:9::/48 lookup main proto 94
ip -6 rule add pref 32763 to 2001:db8:9::/48 lookup main suppress_prefixlength 64 proto 94
ip -6 rule add pref 32764 to 2001:db8:9::/48 fwmark 7 blackhole proto 94
ip nexthop add id 1577058310 via 192.0.2.9 dev fx0 proto 94
ip nexthop add id 1577058311 blackhole proto 94
ip -6 nexthop add id 1577058312 encap seg6 mode encap segs 2001:db8:1::7 dev fx0 proto 94
ip neigh add 192.0.2.50 lladdr 02:00:00:00:0f:01 nud permanent dev fx0 protocol 94
ip -6 neigh add 2001:db8:1::50 lladdr 02:00:00:00:0f:01 nud permanent dev fx0 protocol 94
ip -6 neigh add proxy 2001:db8:1::51 dev fx0 protocol 94
ip neigh add proxy 192.0.2.51 dev fx0 protocol 94
`;

/** Addresses of protocol 94: iproute2 6.1 has no word for that. */
const ADDRESSES = [
  ['fx0', '192.0.2.1', 24],
  ['fx0', '2001:db8:1::1', 64],
  ['lo', 'fd00:77::1', 128],
  ['lo', '198.51.100.7', 32],
] as const;

const SHOW = [
  'ip -4 route show table all proto 94',
  'ip -6 route show table all proto 94',
  'ip -4 rule show',
  'ip -6 rule show',
  'ip nexthop show',
  'ip neigh show nud permanent',
  'ip neigh show proxy',
  'ip -6 neigh show proxy',
];
/** What segue makes in a namespace of its own, by its lines. */
const OURS =
  /fd00:5e:1::1[/ ]|^blackhole fd00:5e:1::\/48 dev lo metric 1024 |lookup local|pref 99|^99[01]:.*fd00:5e|^3276[2-4]:.*fd00:5e/;

const objects = async (): Promise<string[]> => {
  const texts = await Promise.all(SHOW.map((line) => outputOf(NETNS, line.split(' '))));
  const lines = texts.flatMap((text) => text.split('\n').map((line) => line.trim()));
  const { socket } = instance.kernel;
  const addresses = socket.dump(dumpAddressesRequest({}), decodeAddress).filter(({ protocol }) => protocol === 94);
  lines.push(...addresses.map(({ address, length, ifindex }) => `address ${address}/${length} dev ${ifindex}`));
  return lines.filter((line) => line !== '' && !OURS.test(line)).sort();
};

let instance: Instance;

beforeAll(async () => {
  createNetns(NETNS);
  writeFileSync(
    join(directory, 'intent.yaml'),
    `version: 1\nsidBlock: fd00:5e::/32\nnodes: [{ name: ${NETNS}, locator: "fd00:5e:1::/48" }]\ntenants: []\nports: []\n`,
  );
  writeFileSync(file, `{ node: ${NETNS}, netns: ${NETNS}, uplinks: [eth0], dataplane: kernel, intent: intent.yaml }`);
  instance = new Instance(loadNodeConfig(file));
  await outputOf(NETNS, ['bash', '-euc', `ip link set lo up\n${DEVICES}`]);
  const { socket, links } = instance.kernel;
  links.refresh();
  for (const [device, address, length] of ADDRESSES) {
    socket.request(createAddress({ ifindex: links.indexOf(device), address, length, protocol: 94, nodad: true }));
  }
  await outputOf(NETNS, ['bash', '-euc', FOREIGN]);
});

afterAll(() => {
  instance.close();
  deleteNetns(NETNS);
  rmSync(directory, { recursive: true });
});

it('foreign objects of protocol 94 survive convergence, repairs and purge', async () => {
  const before = await objects();
  expect(before.length).toBeGreaterThan(30);
  const diff = async () => {
    const { changes } = await diffOnce(instance, loadIntent(instance.config.intent));
    return changes.map((change) => instance.engine.text(change));
  };
  const run = await AgentRun.startWith(instance.config, file);
  try {
    expect(run.lines.filter(({ level }) => level >= 40)).toEqual([]);
    expect(await diff()).toEqual([]);
    const from = run.lines.length;
    // Everything is looked at that hangs on these.
    await outputOf(NETNS, [
      'bash',
      '-euc',
      'ip -6 rule del pref 991 l3mdev; ip -6 route del blackhole fd00:5e:1::/48 metric 1024; ip addr del fd00:5e:1::1/128 dev lo',
    ]);
    await run.repaired(diff, from);
  } finally {
    await run.stop();
  }
  expect(await objects()).toEqual(before);
  expect((await purge(instance)).failures).toEqual([]);
  expect(await objects()).toEqual(before);
  // And nothing of ours is left.
  expect(await outputOf(NETNS, ['ip', '-6', 'route', 'show', 'fd00:5e:1::/48'])).toMatch(
    /^blackhole \S+ .*metric 2048 .*\n$/,
  );
  expect(await outputOf(NETNS, ['ip', '-6', 'rule', 'show'])).not.toContain('to fd00:5e');
});
