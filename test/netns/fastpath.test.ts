import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MAP_NAMES } from '../../src/ebpf/maps.js';
import { unpin } from 'libbpf-ts';
import { applyOnce } from '../../src/agent/apply.js';
import { pinDirectory } from '../../src/agent/instance.js';
import { driftTopology } from './lib/drift-cases.js';
import { fastpathCounts, since } from './lib/fastpath.js';
import { bothFamilies, pingMatrix, tenantOf, UNANSWERED } from './lib/matrix.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { Intent } from '../../src/intent/types.js';
import type { SelftestOptions } from './lib/topologies.js';
import { scopeTo } from '../../src/app/intent.js';

const INSIDE = bothFamilies(['t100-1 > t100-2', 't100-2 > t100-1', 't200-3 > t200-4', 't200-4 > t200-3']);
const ACROSS = bothFamilies(
  ['t100-1', 't100-2'].flatMap((a) => ['t200-3', 't200-4'].flatMap((b) => [`${a} > ${b}`, `${b} > ${a}`])),
);
const BOTH = { hv1: 'hybrid', hv2: 'hybrid' } as const;

const VARIANTS: [name: string, options: SelftestOptions][] = [
  ['hybrid on both sides', { dataplane: BOTH }],
  ['hybrid on both sides, XDP on the uplinks', { dataplane: BOTH, xdp: 'always' }],
  ['hybrid and kernel', { dataplane: { hv1: 'hybrid', hv2: 'kernel' } }],
  ['hybrid, End.DT4 and End.DT6', { dataplane: BOTH, behaviours: { hv1: ['dt4', 'dt6'], hv2: ['dt4', 'dt6'] } }],
  ['hybrid, three segments on the path', { dataplane: BOTH, transits: 2 }],
];

/** Kinds whose entries say all by their keys. */
const PERMITS = ['bpf-source', 'bpf-source-prefix', 'bpf-domain-source', 'bpf-trusted'];

describe('drift of the fast path', () => {
  const network = useNetwork(driftTopology({ dataplane: BOTH }));
  const maps = () => {
    const all = network.instance('hv1').kernel.fastpath.maps;
    if (all === undefined) throw new Error('there are no maps');
    return all;
  };
  const intent = (): Intent => ({ ...network.intent(), trusted: ['fd00:77::/32'] });
  const kindOf: Record<string, string> = {
    sg_trusted: 'bpf-trusted',
    sg_ports: 'bpf-port',
    sg_allowed_src: 'bpf-source',
    sg_allowed_lpm: 'bpf-source-prefix',
    sg_endpoints: 'bpf-member',
    sg_endpoint_lpm: 'bpf-prefix',
    sg_encaps: 'bpf-encap',
    sg_nh_groups: 'bpf-underlay',
    sg_domain_src: 'bpf-domain-source',
    sg_sids: 'bpf-sid',
  };
  /** What answers VMs and what VMs migrate by: test/kernel/dhcp/drift.test.ts, test/kernel/service/drift.test.ts, test/kernel/ebpf/migrate.test.ts. */
  const ELSEWHERE = [
    'sg_dhcp4',
    'sg_boot',
    'sg_dhcp6',
    'sg_ra',
    'sg_service',
    'sg_port_icmp',
    'sg_migrations',
    'sg_notices',
  ];
  const repaired = async (): Promise<void> => {
    await network.apply('hv1', intent());
    expect(await network.diff('hv1', intent())).toEqual([]);
  };

  it('is found and repaired: a missing entry', async () => {
    await repaired();
    const keyed = MAP_NAMES.filter((name) => !maps()[name].info.type.includes('array') && !ELSEWHERE.includes(name));
    expect(Object.keys(kindOf).toSorted()).toEqual(keyed.toSorted());
    for (const [name, kind] of Object.entries(kindOf)) {
      const map = maps()[name as keyof ReturnType<typeof maps>];
      const [entry] = map.entries();
      expect(entry, name).toBeDefined();
      map.delete(entry?.[0] ?? Buffer.alloc(0));
      // What names a thing that is not there is not as planned either.
      expect(
        (await network.diff('hv1', intent())).map((change) => `${change.action} ${change.kind}`),
        name,
      ).toContain(`create ${kind}`);
      await repaired();
    }
  });

  it('is found and repaired: an entry with another value', async () => {
    for (const [name, kind] of Object.entries(kindOf)) {
      const map = maps()[name as keyof ReturnType<typeof maps>];
      const [entry] = map.entries();
      if (entry === undefined || PERMITS.includes(kind)) continue;
      const [key, value] = entry;
      // Of underlays and encapsulations the last hop and segment, else they are another one's.
      const at = name === 'sg_nh_groups' ? 4 + 4 + 16 + 6 : name === 'sg_encaps' ? 16 : 0;
      value.writeUInt8(value.readUInt8(at) ^ 0x40, at);
      map.update(key, value);
      expect(
        (await network.diff('hv1', intent())).map((change) => `${change.action} ${change.kind}`),
        name,
      ).toContain(`replace ${kind}`);
      await repaired();
    }
  });

  it('is found and repaired: entries of an unknown tenant', async () => {
    const [entry] = maps().sg_endpoints.entries();
    const key = entry?.[0] ?? Buffer.alloc(0);
    key.writeUInt32LE(0x777, 0);
    maps().sg_endpoints.update(key, entry?.[1] ?? Buffer.alloc(0));
    expect((await network.diff('hv1', intent())).map((change) => `${change.action} ${change.kind}`)).toEqual([
      'delete bpf-member',
    ]);
    await repaired();
  });

  it('is found and repaired: a detached program, and missing pins', async () => {
    const { fastpath } = network.instance('hv1').kernel;
    const [link] = fastpath.links();
    unpin(link?.path ?? '');
    expect((await network.diff('hv1', intent())).map((change) => `${change.action} ${change.kind}`)).toEqual([
      'create bpf-program',
    ]);
    await repaired();
    rmSync(pinDirectory(network.netns('hv1')), { recursive: true });
    await repaired();
    const before = fastpathCounts(network, 'hv1');
    expect(await network.ping('t100-1', '10.0.0.2', { count: 3 })).toMatchObject({ received: 3 });
    expect(since(before, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBe(6);
  });
});

describe('a machine without a bpffs', () => {
  const network = useNetwork(selftestTopology({ dataplane: BOTH }), async () => {
    await Promise.resolve();
  });

  it('forwards by the kernel, and reports it', async () => {
    spawnSync('umount', ['/sys/fs/bpf']);
    try {
      for (const name of ['hv1', 'hv2']) {
        const { warnings } = await applyOnce(network.instance(name), scopeTo(network.intent(), network.netns(name)));
        expect(warnings).toEqual([
          expect.stringMatching(/^dataplane hybrid: no fast path, the kernel forwards everything: .*is not on a bpffs/),
        ]);
      }
      expect(await network.ping('t100-1', '10.0.0.2', { count: 2 })).toMatchObject({ received: 2 });
    } finally {
      spawnSync('mount', ['-t', 'bpf', 'bpf', '/sys/fs/bpf']);
    }
    // There is one again: the next look finds it.
    await network.applyAll();
    const before = fastpathCounts(network, 'hv1');
    expect(await network.ping('t100-1', '10.0.0.2', { count: 2 })).toMatchObject({ received: 2 });
    expect(since(before, fastpathCounts(network, 'hv1')).reasons['forward forwarded']).toBe(4);
  });
});

describe.each(VARIANTS)('%s', (_name, options) => {
  const network = useNetwork(selftestTopology(options));

  it('hosts of one tenant reach each other', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach).toEqual({ reached: INSIDE, blocked: [], doubtful: [] });
  });

  it('hosts of different tenants do not reach each other', async () => {
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) !== tenantOf(to), UNANSWERED);
    expect(reach).toEqual({ reached: [], blocked: ACROSS, doubtful: [] });
  });

  it('packets take the fast path', async () => {
    // The first ones let the kernel resolve the underlay's neighbours, which the agent of a test that applies once has to be told.
    for (const name of ['hv1', 'hv2']) await network.apply(name);
    const before = fastpathCounts(network, 'hv1');
    const reach = await pingMatrix(network, (from, to) => tenantOf(from) === tenantOf(to));
    expect(reach.reached).toEqual(INSIDE);
    const { reasons, slow } = since(before, fastpathCounts(network, 'hv1'));
    // Each of the eight pairs sends two requests and two replies: hv1 takes each once, outwards or inwards.
    expect(reasons['forward forwarded']).toBe(32);
    expect(slow).toBe(0);
  });

  it('a second apply finds nothing to do', async () => {
    expect(await network.diff('hv1')).toEqual([]);
    expect(await network.diff('hv2')).toEqual([]);
  });

  it('purge leaves no pins', async () => {
    expect(existsSync(pinDirectory(network.netns('hv1')))).toBe(true);
    await network.purge('hv1');
    expect(existsSync(pinDirectory(network.netns('hv1')))).toBe(false);
  });
});
