/** `segue init` writes a working node file from the intent and the machine's interfaces and routes. */
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadNodeConfig } from '../../../src/intent/load.js';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { runIn } from '../../../lab/process.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { Ended } from '../../../lab/process.js';

const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), (made) => {
  made.files();
  return made.apply('hv2').then(() => undefined);
});
const file = join(network.directory, 'made.yaml');
const intent = join(network.directory, 'intent.yaml');
const segue = (...words: string[]): Promise<Ended> => runIn(undefined, [process.execPath, SEGUE_COMMAND, ...words]);
const init = (...words: string[]): Promise<Ended> =>
  segue('init', '-f', intent, '--netns', network.netns('hv1'), '-o', file, '-n', network.netns('hv1'), ...words);

describe('segue init', () => {
  afterAll(() => segue('purge', '-c', file));

  it('writes a working node file', async () => {
    const { status, stderr, stdout } = await init();
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr:
        "segue: the uplinks are those of the default route: the other nodes' locators have no routes of their own\n",
    });
    expect(stdout).toMatch(/: node \S+, uplinks eth0, dataplane (hybrid|ebpf); next: segue doctor, segue apply\n$/);
    expect(readFileSync(file, 'utf8')).toContain('only the default route leads to');
    expect(loadNodeConfig(file)).toMatchObject({ uplinks: ['eth0'], netns: network.netns('hv1'), intent });
    // The others of the network have the fast path alone.
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^dataplane: .*/m, 'dataplane: ebpf'));
    expect(await segue('apply', '-c', file)).toMatchObject({ status: 0 });
    for (const to of ['10.0.0.2', 'cafe::2']) {
      expect(await network.ping('t100-1', to, { count: 2 }), to).toMatchObject({ received: 2 });
    }
  });

  it('replaces a file only with --force', async () => {
    writeFileSync(file, 'mine');
    expect(await init()).toMatchObject({
      status: 2,
      stderr: `segue: --output ${file}: the file exists: expected a new file, or --force to replace it\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(await init('--force', '-j')).toMatchObject({ status: 0 });
    expect(loadNodeConfig(file).uplinks).toEqual(['eth0']);
  });

  it('takes the interfaces of all equal-cost routes to a locator, not those of the default route', async () => {
    await network.shell(
      'hv1',
      `ip link add eth1 type veth peer name far1
       ip link add eth2 type veth peer name far2
       for device in eth1 eth2 far1 far2; do ip link set $device up; done
       ip link set eth1 mtu 9000
       ip -6 route add fd00:5e:2::/48 nexthop via fe80::1 dev eth1 nexthop via fe80::2 dev eth2`,
    );
    const node = network.netns('hv1');
    const { stdout } = await segue('init', '-f', intent, '--netns', node, '-n', node, '-o', '-');
    await network.shell('hv1', 'ip link del eth1; ip link del eth2');
    expect(stdout).toMatch(/^uplinks: \[eth1, eth2\]$/m);
    expect(stdout).toMatch(/^# eth1: the routes to \S+ leave by it; MTU 9000$/m);
    expect(stdout).toContain('the smallest MTU of the uplinks, 1500 now: VMs get 1460.');
  });

  it.each([
    ['an unknown node', ['-n', 'hv9'], /^segue: --node hv9: expected a node of .*intent\.yaml: /],
    ['a missing interface', ['--uplink', 'eth7'], /^segue: --uplink eth7: expected an existing network interface\n$/],
    [
      'a missing intent',
      ['-f', '/nowhere.yaml'],
      /^segue: 1 error, nothing was changed\n\/nowhere\.yaml: no such file/,
    ],
    [
      'an uplink that is a port',
      ['--uplink', 't100-1'],
      /uplinks\[0\]: "t100-1": expected an interface that is not a port of the intent/,
    ],
  ])('refuses %s, and writes nothing', async (_name, words, message) => {
    const target = join(network.directory, 'none.yaml');
    const { status, stderr } = await init(...words, '-o', target);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
    expect(existsSync(target)).toBe(false);
  });

  it('reports a write error, and leaves no file', async () => {
    const disk = join(network.directory, 'disk');
    await runIn(undefined, [
      'bash',
      '-euc',
      `mkdir ${disk}; mount -t tmpfs -o size=8k tmpfs ${disk}; yes >${disk}/full 2>/dev/null || :`,
    ]);
    try {
      const target = join(disk, 'node.yaml');
      const { status, stderr } = await init('-o', target);
      expect({ status, stderr: stderr.split('\n')[0] }).toEqual({
        status: 1,
        stderr: `segue: --output ${target}: cannot be written: ENOSPC: no space left on device, write`,
      });
      expect(readdirSync(disk)).toEqual(['full']);
    } finally {
      await runIn(undefined, ['umount', disk]);
    }
  });

  it('names the privileges it needs', async () => {
    chmodSync(network.directory, 0o755);
    const argv = ['setpriv', '--reuid', '65534', '--clear-groups', process.execPath, SEGUE_COMMAND];
    const words = ['init', '-f', intent, '-n', network.netns('hv1'), '--uplink', 'eth0', '-o', '-'];
    expect(await runIn(undefined, [...argv, ...words])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^segue: run as root: this process lacks CAP_NET_ADMIN/) as string,
    });
  });

  it('refuses an unknown host name, and lists the nodes of the intent', async () => {
    const { status, stderr } = await segue('init', '-f', intent, '-o', '-');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(
        /^segue: no node has this host's name, \S+: expected a node of .* \(--node\)/,
      ) as string,
    });
  });

  it('fails when no route leads to another node', async () => {
    await network.shell('hv1', 'ip -6 route del default');
    expect(await init('-o', '-')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /^segue: no route leads to fd00:5e:2::\/48: expected the underlay to be up, or --uplink\n$/,
      ) as string,
    });
  });
});
