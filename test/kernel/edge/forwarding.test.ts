/**
 * Linux 6.17 can turn forwarding on for single interfaces: the host does not become a router. Kernel mode without
 * tenants, which needs no VRF; and what doctor reports of connections that would have a source of the domain.
 */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyOnce, diffOnce } from '../../../src/agent/apply.js';
import { Instance, nodeDirectories, pinDirectory } from '../../../src/agent/instance.js';
import { purge } from '../../../src/agent/purge.js';
import { checkEdge } from '../../../src/observe/doctor/edge.js';
import { ensureBpffs } from '../../../lab/bpffs.js';
import * as frames from '../../netns/lib/frames.js';
import { Witness } from '../../netns/lib/probe.js';
import { EdgeNode, HV2, intent, LABEL, LINK } from './node.js';
import type { Intent } from '../../../src/intent/types.js';
import { scopeTo } from '../../../src/app/intent.js';

let node: EdgeNode;
let instance: Instance;
let core: Witness;
let outside: Witness;

const HOST = 'net/ipv6/conf/all/forwarding';
const forced = (device: string): string => `net/ipv6/conf/${device}/force_forwarding`;
const read = (path: string): string | undefined => instance.kernel.sysctls.read(path);
const udp = (source: string, destination: string): Buffer => frames.udpPacket(source, destination, 9);
const renamed = (): Intent => {
  const all = intent();
  const nodes = all.nodes.map((one) => (one.name === 'hv1' ? { ...one, name: node.netns('hv') } : one));
  return scopeTo({ ...all, nodes }, node.netns('hv'));
};
const apply = async (): Promise<void> => {
  const { failures } = await applyOnce(instance, renamed());
  if (failures[0] !== undefined) throw failures[0].error;
};

beforeAll(async () => {
  await ensureBpffs();
  node = await EdgeNode.build();
  await node.shell('hv', `echo 0 >/proc/sys/${HOST}`);
  instance = new Instance({
    node: node.netns('hv'),
    netns: node.netns('hv'),
    uplinks: ['eth0', 'eth1'],
    inside: ['in0'],
    dataplane: 'kernel',
    xdp: 'never',
    behaviours: ['dt46'],
    intent: '/dev/null',
  });
  const marked = { marked: `ip6 flowlabel ${LABEL}` };
  core = await Witness.place(node, 'core', 'prerouting priority -400', marked);
  outside = await Witness.place(node, 'outside', 'prerouting priority -400', marked);
});
afterAll(() => {
  instance.close();
  for (const path of [...nodeDirectories(node.netns('hv')), pinDirectory(node.netns('hv'))]) {
    rmSync(path, { recursive: true, force: true });
  }
  node.remove();
});

const fromInside = (): void => {
  node.send('in0', udp('fd00:5e:9::1', HV2.source));
};
const across = (): void => {
  node.send('br0', udp(`${LINK.br0}::1`, `${LINK.mgmt0}::1`));
};
const toUnderlay = (): void => {
  node.send('br0', udp(`${LINK.br0}::1`, 'fd00:c0::1'));
};

describe('forwarding of single interfaces', () => {
  it('is on for the underlay, and the host does not route', async () => {
    expect(await core.countOf('marked', fromInside)).toBe(0);
    await apply();
    expect(read(HOST)).toBe('0');
    for (const device of ['eth0', 'eth1', 'in0']) expect(read(forced(device)), device).toBe('1');
    for (const device of ['mgmt0', 'br0', 'lo']) expect(read(forced(device)), device).toBe('0');
    expect(await core.sees('marked', fromInside)).toBe(true);
    expect(await outside.countOf('marked', across)).toBe(0);
    expect(await core.countOf('marked', toUnderlay)).toBe(0);
    expect((await diffOnce(instance, renamed())).changes).toEqual([]);
  });

  it('is reset by a write of 0 to the host’s forwarding, and repaired', async () => {
    await node.shell('hv', `echo 1 >/proc/sys/${HOST}; echo 0 >/proc/sys/${HOST}`);
    expect(read(forced('eth0'))).toBe('0');
    expect(await core.countOf('marked', fromInside)).toBe(0);
    await apply();
    expect(await core.sees('marked', fromInside)).toBe(true);
  });

  it('replaces the host’s forwarding that an earlier build turned on', async () => {
    await node.shell('hv', `echo 1 >/proc/sys/${HOST}`);
    instance.kernel.savedSettings.remember([[`sysctl ${HOST}`, '0']]);
    await apply();
    expect(read(HOST)).toBe('0');
    for (const device of ['eth0', 'eth1', 'in0']) expect(read(forced(device)), device).toBe('1');
    expect(await core.sees('marked', fromInside)).toBe(true);
    expect(await outside.countOf('marked', across)).toBe(0);
  });

  it('is not used on a host that forwards', async () => {
    await node.shell('hv', `echo 1 >/proc/sys/${HOST}`);
    await apply();
    expect(read(HOST)).toBe('1');
    expect(await outside.sees('marked', across)).toBe(true);
    expect(await core.sees('marked', toUnderlay)).toBe(true);
    await node.shell('hv', `echo 0 >/proc/sys/${HOST}`);
    await apply();
  });

  it('is restored by purge', async () => {
    expect((await purge(instance)).failures).toEqual([]);
    for (const device of ['eth0', 'eth1', 'in0']) expect(read(forced(device)), device).toBe('0');
    expect(read(HOST)).toBe('0');
    expect(await core.countOf('marked', fromInside)).toBe(0);
  });
});

describe('doctor', () => {
  const sources = async (): Promise<{ name: string; status: string; what: string }[]> => {
    instance.kernel.links.refresh();
    const patient = {
      instance,
      intent: renamed(),
      intentError: undefined,
      applied: true,
      alone: false,
      hasNft: true,
      unreadable: undefined,
    };
    return (await checkEdge(patient)).filter(({ name }) => name.startsWith('edge.sources'));
  };

  it('names a route whose connections would have a source of the domain', async () => {
    await node.shell(
      'hv',
      `ip addr del ${LINK.mgmt0}::2/64 dev mgmt0; ip addr add fe80::2/64 dev mgmt0 nodad
       ip route add default via fe80::1 dev mgmt0; ip route add fd00:dd::/48 via fe80::1 dev mgmt0`,
    );
    // The other interfaces' addresses are as good as lo's to the kernel: without them it has that alone.
    for (const device of ['br0', 'eth0', 'eth1', 'in0'] as const) {
      await node.shell('hv', `ip addr del ${LINK[device]}::2/64 dev ${device}`);
    }
    expect(await sources()).toEqual([
      expect.objectContaining({
        name: 'edge.sources.mgmt0',
        status: 'fail',
        what: expect.stringContaining('default via fe80::1 (from fd00:5e:1::1)') as string,
      }),
    ]);
    await node.shell(
      'hv',
      `ip addr add ${LINK.mgmt0}::2/64 dev mgmt0 nodad; ip route change default via fe80::1 dev mgmt0 src ${LINK.mgmt0}::2`,
    );
    expect(await sources()).toMatchObject([{ name: 'edge.sources', status: 'ok' }]);
  });

  it('reports a missing table and a missing file for the next boot', async () => {
    const patient = {
      instance,
      intent: renamed(),
      intentError: undefined,
      applied: true,
      alone: false,
      hasNft: true,
      unreadable: undefined,
    };
    instance.kernel.links.refresh();
    const found = async (): Promise<string[]> =>
      (await checkEdge(patient)).map(({ name, status }) => `${status} ${name}`);
    expect(await found()).toEqual(['fail edge.table', 'warn edge.file', 'ok edge.sources']);
    await apply();
    expect(await found()).toEqual(['ok edge.table', 'ok edge.file', 'ok edge.sources']);
    await purge(instance);
  });
});
