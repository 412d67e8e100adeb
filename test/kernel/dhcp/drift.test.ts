/** Damage to the objects that answer VMs: diff names it, apply repairs it. */
import { describe, expect, it } from 'vitest';
import { dhcpFeature } from '../../../src/dhcp/feature.js';
import { useNetwork } from '../../netns/lib/network.js';
import { SUBNET4, SUBNET6, twins, withPorts } from './cloud.js';
import type { BpfMap } from 'libbpf-ts';
import type { MapName } from '../../../src/ebpf/maps.js';
import type { Intent } from '../../../src/intent/types.js';
import type { TestNetwork } from '../../netns/lib/network.js';

const MAPS = {
  'bpf-dhcp4': 'sg_dhcp4',
  'bpf-boot': 'sg_boot',
  'bpf-dhcp6': 'sg_dhcp6',
  'bpf-ra': 'sg_ra',
  'bpf-icmp-rate': 'sg_port_icmp',
} as const satisfies Readonly<Record<string, MapName>>;

const intentOf = (network: TestNetwork): Intent =>
  withPorts(network.intent(), {
    red: { hostname: 'red-a', icmpRate: 10, boot: { server: '10.0.0.11', bios: 'undionly.kpxe' } },
  });

const entries = (map: BpfMap): Map<string, string> =>
  new Map([...map.entries()].map(([key, value]) => [key.toString('hex'), value.toString('hex')]));

describe('drift of DHCP and router advertisements', () => {
  const subnets = [SUBNET4, SUBNET6];
  const network = useNetwork(twins('ebpf', { red: subnets, blue: subnets }), async (made) => {
    await made.apply('hv2');
    await made.apply('hv1', intentOf(made));
  });
  const mapOf = (name: MapName): BpfMap => {
    const { maps } = network.instance('hv1').kernel.fastpath;
    if (maps === undefined) throw new Error('no maps are pinned');
    return maps[name];
  };
  const kinds = async (): Promise<string[]> => [
    ...new Set((await network.diff('hv1', intentOf(network))).map(({ kind }) => kind as string)),
  ];

  it('is tested for every resource', () => {
    const ours = Object.keys(MAPS).filter((kind) => kind !== 'bpf-icmp-rate');
    expect(new Set([...ours, 'reply-program'])).toEqual(new Set(Object.keys(dhcpFeature.resources)));
  });

  it.each(Object.entries(MAPS))(
    '%s: an entry of %s is missing, has another value, or has another interface',
    async (kind, name) => {
      const map = mapOf(name);
      const before = entries(map);
      const [[key, value] = ['', '']] = [...before];
      const harms: readonly ((key: Buffer, value: Buffer) => void)[] = [
        (at) => map.delete(at),
        (at, said) => {
          said[0] = (said[0] ?? 0) ^ 1;
          map.update(at, said);
        },
        (at, said) => {
          at[2] = (at[2] ?? 0) ^ 0x40;
          map.update(at, said);
        },
      ];
      for (const harm of harms) {
        harm(Buffer.from(key, 'hex'), Buffer.from(value, 'hex'));
        expect(await kinds()).toEqual([kind]);
        await network.apply('hv1', intentOf(network));
        expect(await kinds()).toEqual([]);
        expect([...entries(map).keys()]).toEqual([...before.keys()]);
      }
    },
  );

  it('reply-program: a slot of sg_replies is empty', async () => {
    const slot = Buffer.alloc(4);
    mapOf('sg_replies').delete(slot);
    expect(await kinds()).toEqual(['reply-program']);
    await network.apply('hv1', intentOf(network));
    expect(await kinds()).toEqual([]);
    expect(mapOf('sg_replies').lookup(slot)).toBeDefined();
  });
});
