/** Damage to the fast path's maps and attachments: diff names it, apply repairs it. */
import { existsSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  EndpointKey,
  PrefixKey,
  AllowedSrcKey,
  AllowedSrcLpmKey,
  TrustedKey,
} from '../../src/ebpf/generated/layouts.js';
import { ebpfFeature } from '../../src/ebpf/feature.js';
import { driftTopology } from './lib/drift-cases.js';
import { useNetwork } from './lib/network.js';
import type { TestNetwork } from './lib/network.js';
import type { Intent } from '../../src/intent/types.js';
import type { BpfMap } from 'libbpf-ts';
import type { MapName } from '../../src/ebpf/maps.js';

const MAPS: Partial<Record<keyof typeof ebpfFeature.resources, MapName>> = {
  'bpf-node': 'sg_node',
  'bpf-trusted': 'sg_trusted',
  'bpf-domain-source': 'sg_domain_src',
  'bpf-underlay': 'sg_nh_groups',
  'bpf-encap': 'sg_encaps',
  'bpf-port': 'sg_ports',
  'bpf-source': 'sg_allowed_src',
  'bpf-source-prefix': 'sg_allowed_lpm',
  'bpf-member': 'sg_endpoints',
  'bpf-prefix': 'sg_endpoint_lpm',
  'bpf-sid': 'sg_sids',
};

/** Where keys have their address: an IPv4 address and a prefix may be as short as its first bytes. Other keys are ids and SIDs. */
const ADDRESS_AT: Partial<Record<MapName, number>> = {
  sg_allowed_src: AllowedSrcKey.OFFSETS.address,
  sg_allowed_lpm: AllowedSrcLpmKey.OFFSETS.address,
  sg_endpoints: EndpointKey.OFFSETS.address,
  sg_endpoint_lpm: PrefixKey.OFFSETS.address,
  sg_trusted: TrustedKey.OFFSETS.address,
};

/** Maps whose entries say nothing but that they are there. */
const PERMITS: readonly MapName[] = ['sg_allowed_src', 'sg_allowed_lpm', 'sg_trusted', 'sg_domain_src'];

/** What is of no use without XDP: test/kernel/ebpf/device-feature.test.ts. */
const WITH_XDP = ['device-feature'];

const intentOf = (network: TestNetwork): Intent => ({ ...network.intent(), trusted: ['fd00:77::/32'] });

/** Entries that hold something: an array has them all, zero. */
function entries(map: BpfMap): Map<string, string> {
  return new Map(
    [...map.entries()]
      .filter(([, value]) => !map.info.type.includes('array') || value.some((byte) => byte !== 0))
      .map(([key, value]) => [key.toString('hex'), value.toString('hex')]),
  );
}

function remove(map: BpfMap, key: Buffer): void {
  if (map.info.type.includes('array')) map.update(key, Buffer.alloc(map.valueSize));
  else map.delete(key);
}

describe('drift of the fast path', () => {
  const network = useNetwork(driftTopology({ dataplane: { hv1: 'hybrid' } }), async (built) => {
    // The gateway is resolved, so that the ways hold something.
    await built.shell('hv1', 'ping -c 1 -W 5 fd00:ffff:1::1 >/dev/null');
    await built.apply('hv1', intentOf(built));
    await built.apply('hv1', intentOf(built));
  });
  const mapOf = (name: MapName): BpfMap => {
    const { maps } = network.instance('hv1').kernel.fastpath;
    if (maps === undefined) throw new Error('no maps are pinned');
    return maps[name];
  };
  const kinds = async (): Promise<Set<string>> =>
    new Set((await network.diff('hv1', intentOf(network))).map(({ kind }) => kind));
  const isPutRight = async (kind: string, map: BpfMap, harm: (key: Buffer, value: Buffer) => void): Promise<void> => {
    const before = entries(map);
    expect(before.size).toBeGreaterThan(0);
    const [[key, value] = ['', '']] = [...before];
    harm(Buffer.from(key, 'hex'), Buffer.from(value, 'hex'));
    expect(entries(map)).not.toEqual(before);
    expect(await kinds()).toContain(kind);
    await network.apply('hv1', intentOf(network));
    expect(await kinds()).toEqual(new Set());
    expect(entries(map)).toEqual(before);
  };

  it('is tested for every resource', () => {
    const tried = [...Object.keys(MAPS), 'bpf-program', ...WITH_XDP];
    expect(new Set(tried)).toEqual(new Set(Object.keys(ebpfFeature.resources)));
  });

  it.each(Object.entries(MAPS))('%s: an entry of %s is missing', async (kind, name) => {
    const map = mapOf(name);
    await isPutRight(kind, map, (key) => {
      remove(map, key);
    });
  });

  // A permit says nothing but that it is there.
  it.each(Object.entries(MAPS).filter(([, name]) => !PERMITS.includes(name)))(
    '%s: an entry of %s has another value',
    async (kind, name) => {
      const map = mapOf(name);
      await isPutRight(kind, map, (key, value) => {
        value[0] = (value[0] ?? 0) ^ 1;
        map.update(key, value);
      });
    },
  );

  it.each(Object.entries(MAPS).filter(([, name]) => name !== 'sg_node'))(
    '%s: %s has an unplanned entry',
    async (kind, name) => {
      const map = mapOf(name);
      await isPutRight(kind, map, (key, value) => {
        const other = Buffer.from(key);
        const at = ADDRESS_AT[name] ?? 0;
        other[at] = (other[at] ?? 0) ^ 0x40;
        map.update(other, value);
      });
    },
  );

  it('bpf-program: an attachment is missing', async () => {
    const { fastpath } = network.instance('hv1').kernel;
    const links = fastpath.links();
    expect(links.length).toBeGreaterThan(1);
    for (const { path } of links) rmSync(path);
    expect(await kinds()).toEqual(new Set(['bpf-program']));
    await network.apply('hv1', intentOf(network));
    expect(await kinds()).toEqual(new Set());
    for (const { path } of links) expect(existsSync(path)).toBe(true);
  });

  it('all resources: the pins are missing', async () => {
    rmSync(network.instance('hv1').kernel.fastpath.pinDirectory, { recursive: true });
    const all = Object.keys(ebpfFeature.resources).filter((kind) => !WITH_XDP.includes(kind));
    // Programs that are called, too (test/kernel/dhcp/drift.test.ts).
    expect(await kinds()).toEqual(new Set([...all, 'reply-program']));
    await network.apply('hv1', intentOf(network));
    expect(await kinds()).toEqual(new Set());
  });
});
