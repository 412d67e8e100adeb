/** Damage to the objects that lead to services: diff names it, apply repairs it, purge removes all of them. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { outputOf, runIn } from '../../../lab/process.js';
import { serviceFeature } from '../../../src/service/feature.js';
import { listNetns } from 'netlink-ts';
import { useNetwork } from '../../netns/lib/network.js';
import { ask, cloud, intentOf, METADATA4, serve, servicesOf } from './cloud.js';

const HANG_MS = 300_000;

/** Who opens it without care waits for good. */
function toFifo(path: string): void {
  rmSync(path);
  execFileSync('mkfifo', [path]);
}

describe('drift of services', { timeout: HANG_MS }, () => {
  const network = useNetwork(cloud('ebpf'), async (made) => {
    await made.apply('hv1', intentOf(made));
  });
  const kinds = async (): Promise<string[]> => [
    ...new Set((await network.diff('hv1', intentOf(network))).map(({ kind }) => kind as string)),
  ];
  const inside = (script: string): Promise<string> => outputOf(servicesOf(network), ['bash', '-ec', script]);
  const portFiles = (): string => network.instance('hv1').kernel.services.portDirectory;
  const anyFile = (): string => join(portFiles(), readdirSync(portFiles())[0] ?? '');

  const HARMS: readonly [kind: string, what: string, act: () => Promise<unknown>][] = [
    ['service-link', 'the namespace is missing', () => network.shell('hv1', `ip netns del ${servicesOf(network)}`)],
    ['service-link', 'the veth is missing', () => network.ip('hv1', 'link del segue-svc')],
    ['service-link', 'the veth is down', () => network.ip('hv1', 'link set segue-svc down')],
    ['service-link', 'the veth has another MTU', () => network.ip('hv1', 'link set segue-svc mtu 1500')],
    ['service-link', 'a route in the namespace is missing', () => inside('ip -6 route flush proto 94')],
    ['service-link', 'a neighbour in the namespace is missing', () => inside('ip neigh flush nud permanent')],
    ['service-link', 'the peer of the veth is down', () => inside('ip link set eth0 down')],
    ['service-port', 'a file has other content', () => Promise.resolve(writeFileSync(anyFile(), '{}\n'))],
    ['service-port', 'a FIFO replaces a file', () => Promise.resolve(toFifo(anyFile()))],
    [
      'service-port',
      'a file belongs to no port',
      () => Promise.resolve(writeFileSync(join(portFiles(), '999999.json'), '{}')),
    ],
    [
      'bpf-service',
      'the map has another value',
      () => {
        const map = network.instance('hv1').kernel.fastpath.maps?.sg_service;
        const value = map?.lookup(Buffer.alloc(4));
        value?.writeUInt32LE(1, 8);
        if (value !== undefined) map?.update(Buffer.alloc(4), value);
        return Promise.resolve();
      },
    ],
    [
      'bpf-service',
      'the map has another service',
      () => {
        const map = network.instance('hv1').kernel.fastpath.maps?.sg_service;
        const value = map?.lookup(Buffer.alloc(4));
        value?.writeUInt32LE(2, 12);
        if (value !== undefined) map?.update(Buffer.alloc(4), value);
        return Promise.resolve();
      },
    ],
    [
      'bpf-service',
      'the map is empty',
      () => {
        network.instance('hv1').kernel.fastpath.maps?.sg_service.delete(Buffer.alloc(4));
        return Promise.resolve();
      },
    ],
  ];

  it('is tested for every resource', () => {
    expect(new Set(HARMS.map(([kind]) => kind))).toEqual(new Set(Object.keys(serviceFeature.resources)));
  });

  it.each(HARMS)('%s: %s', async (kind, _what, act) => {
    await act();
    expect(await kinds()).toContain(kind);
    await network.apply('hv1', intentOf(network));
    expect(await kinds()).toEqual([]);
    const service = await serve(network);
    const { text } = await ask(network, 'red', `http://${METADATA4}/latest/meta-data/instance-id`);
    service.close();
    expect(text).toBe('inst-red');
  });

  it('does not block commands when FIFOs replace all run-time files of a node', async () => {
    network.files();
    const segue = (...words: string[]): ReturnType<typeof runIn> =>
      runIn(undefined, [process.execPath, SEGUE_COMMAND, ...words, '-c', join(network.directory, 'hv1.yaml')], {
        timeoutMs: HANG_MS,
      });
    expect(await segue('apply')).toMatchObject({ status: 0 });
    const directory = join(portFiles(), '..');
    const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
    const [locks, others] = [true, false].map((isLock) =>
      files.map(({ name }) => join(directory, name)).filter((path) => path.endsWith('/lock') === isLock),
    );
    expect(locks).toHaveLength(1);
    expect(others?.length).toBeGreaterThan(1);
    for (const path of others ?? []) toFifo(path);
    expect(await segue('apply')).toMatchObject({ status: 0 });
    expect(await segue('diff')).toMatchObject({ status: 0 });
    expect(await segue('show', 'port')).toMatchObject({ status: 0 });
    for (const path of locks ?? []) {
      toFifo(path);
      const { status, stderr } = await segue('apply');
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(path) as string });
      rmSync(path);
    }
    expect(await segue('apply')).toMatchObject({ status: 0 });
    // The laboratory's node file has no services.
    await network.apply('hv1', intentOf(network));
  });

  it('purge removes namespace, device and files', async () => {
    const directory = portFiles();
    expect(listNetns()).toContain(servicesOf(network));
    await network.purge('hv1');
    expect(listNetns()).not.toContain(servicesOf(network));
    expect(await network.ip('hv1', '-o link show')).not.toContain('segue-svc');
    expect(existsSync(directory)).toBe(false);
  });
});
