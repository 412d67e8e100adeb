/**
 * Every packet that the fast path makes, read by an independent decoder: none is malformed, every checksum is right.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Capture } from '../../../lab/capture.js';
import { measureThroughput } from '../../../lab/throughput.js';
import { ROUTER } from '../../../lab/topology.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';

const FIELDS = [
  'frame.protocols',
  'ipv6.plen',
  'ipv6.flow',
  'ip.checksum.status',
  'tcp.checksum.status',
  'udp.checksum.status',
];
const ICMP_FIELDS = ['icmp.checksum.status', 'icmpv6.checksum.status'];
/** of tshark: "Good" */
const GOOD = '1';
/** tshark reads tens of thousands of packets of TCP; a busy machine takes a while. */
const TIMEOUT_MS = 300_000;
/** Bits a second, of TCP: what goes at full speed takes tshark minutes, and the capture loses some. */
const RATE = 100_000_000;
/** No frame is longer: nothing merges them. */
const FRAME_BYTES = 2048;
const ENCAPSULATED = 'ip6 proto 4 or ip6 proto 41 or ip6 proto 43';
const MALFORMED = '_ws.malformed || ip.bogus_ip_length';

/** A row of fields a packet, of those that a display filter lets through; a field that occurs twice has a comma. */
function tshark(file: string, filter: string, fields: readonly string[]): string[][] {
  const checks = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);
  const argv = ['-r', file, '-n', ...checks, '-Y', filter, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const { stdout, stderr, status } = spawnSync('tshark', argv, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`tshark: ${stderr}`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

/** Linux writes a sum of zero as its other form (CSUM_MANGLED_0, one packet in 65,536); tshark calls that wrong where it is TCP's. */
const NEGATIVE_ZERO = 'tcp.checksum == 0xffff';

describe.each([
  ['one segment', {}],
  ['three segments', { transits: 2 }],
] as const)('what tshark reads, %s', (_name, options) => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' }, ...options }));
  const files = { underlay: '', vm: '' };

  beforeAll(async () => {
    for (const to of ['10.0.0.2', 'cafe::2']) await network.ping('t100-1', to);
    // The stack leaves checksums to the device, which fills them in behind the capture; so it does with what GRO merged on the way.
    for (const vm of ['t100-1', 't100-2'])
      await network.output(vm, ['ethtool', '-K', 'eth0', 'tx', 'off', 'gso', 'off', 'gro', 'off']);
    for (const node of ['hv1', 'hv2', ROUTER]) {
      const devices = `$(ip -br link | cut -d' ' -f1 | cut -d@ -f1 | grep -v '^lo$')`;
      await network.shell(node, `for device in ${devices}; do ethtool -K "$device" gro off || exit 1; done`);
    }
    files.underlay = join(network.directory, 'underlay.pcap');
    files.vm = join(network.directory, 'vm.pcap');
    const captures = [
      await Capture.start(network.netns(ROUTER), 'hv1', files.underlay, ENCAPSULATED, FRAME_BYTES),
      await Capture.start(network.netns('t100-2'), 'eth0', files.vm, 'ip or ip6', FRAME_BYTES),
    ];
    for (const to of ['10.0.0.2', 'cafe::2']) {
      expect(await network.ping('t100-1', to, { count: 3 })).toMatchObject({ received: 3 });
      await network.shell(
        't100-1',
        `for port in $(seq 4000 4031); do echo ${'x'.repeat(99)} >/dev/udp/${to}/$port; done`,
      );
      const ends = { from: network.netns('t100-1'), to: network.netns('t100-2') };
      await measureThroughput({ ...ends, address: to, seconds: 1, rate: RATE });
    }
    for (const capture of captures) await capture.stop();
    expect(captures.map(({ lost }) => lost)).toEqual([0, 0]);
  }, TIMEOUT_MS);

  it.each(['underlay', 'vm'] as const)(
    '%s: no packet is malformed, and each checksum is right',
    { timeout: TIMEOUT_MS },
    (place) => {
      const all = tshark(files[place], `!(${NEGATIVE_ZERO})`, [...FIELDS, ...ICMP_FIELDS]);
      expect(all.length).toBeGreaterThan(100);
      expect(
        tshark(files[place], `(${MALFORMED}) && !(${NEGATIVE_ZERO})`, ['frame.number', 'frame.protocols']),
      ).toEqual([]);
      const wrong = ['frame.number', 'frame.len', 'tcp.flags.str', 'tcp.len', 'tcp.options.mss_val', 'tcp.checksum'];
      expect(tshark(files[place], `tcp.checksum.status == 0 && !(${NEGATIVE_ZERO})`, wrong)).toEqual([]);
      const seen = new Set<string>();
      for (const [protocols = '', , , ...statuses] of all) {
        const checked = statuses.flatMap((text) => text.split(',')).filter((status) => status !== '');
        expect([protocols, checked.filter((status) => status !== GOOD)]).toEqual([protocols, []]);
        seen.add(protocols);
      }
      // Both families, each protocol.
      for (const protocol of [':ip:icmp', ':ip:udp', ':ip:tcp', ':ipv6:icmpv6', ':ipv6:udp', ':ipv6:tcp']) {
        expect([protocol, [...seen].some((one) => one.includes(protocol))]).toEqual([protocol, true]);
      }
    },
  );

  it('each flow has one label, and flows have different labels', () => {
    const labels = new Map<string, Set<string>>();
    const filter = `udp && ipv6.src == fd00:5e:1::1`;
    for (const [flow = '', label = ''] of tshark(files.underlay, filter, ['udp.dstport', 'ipv6.flow', 'ip.dst'])) {
      const outer = label.split(',')[0] ?? '';
      expect(outer).not.toBe('0x00000');
      labels.set(flow, (labels.get(flow) ?? new Set()).add(outer));
    }
    expect(labels.size).toBe(32);
    // A flow of each family to each port; of 64 labels of 20 bits two may be the same, once in 500 runs.
    expect(new Set([...labels.values()].flatMap((set) => [...set])).size).toBeGreaterThan(62);
    for (const set of labels.values()) expect(set.size).toBeLessThanOrEqual(2);
  });
});
