/**
 * TCP between VMs of 1500 bytes over an underlay of 1500, where the sender heeds no MSS: path MTU discovery (RFC 1191, RFC 8201) converges, as
 * captures show. The same in every mode that has the fast path.
 */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { attachTcx, BpfObject } from 'libbpf-ts';
import { Background } from '../../../lab/process.js';
import { ROUTER } from '../../../lab/topology.js';
import { ROOT } from '../../kernel/libbpf/harness.js';
import { useNetwork } from './network.js';
import { encapsulated, findHeader } from './packets.js';
import { selftestTopology } from './topologies.js';
import { complaints } from './tshark.js';
import type { CapturedPacket } from './packets.js';

const ETHERNET_MTU = 1500;
/** Of an underlay of 1500 bytes: less the outer header. */
const TENANT_MTU = 1460;
/** More than the first windows: most of it is sent after the sender was told. */
const BYTES = 400_000;
/** What a window of ten segments, sent before the first answer, may have of errors; each is answered by one. */
const MOST_TOO_BIG = 40;
const PORT = 5500;
const START_MS = 300_000;
const TRANSFER_MS = 300_000;
/** Takes one connection, and says how much came by it, and its hash. */
const RECEIVER = `
  let bytes = 0;
  const hash = require('node:crypto').createHash('sha256');
  const server = require('node:net').createServer((connection) => {
    connection.on('data', (data) => { bytes += data.length; hash.update(data); });
    connection.on('end', () => { console.log(bytes + ' ' + hash.digest('hex')); connection.end(); server.close(); });
  });
  server.listen(${PORT}, '::', () => process.stderr.write('listening '));
`;

const FAMILIES = [
  { family: 'IPv4', to: '10.0.0.2', gateway: '10.0.0.254', from: '10.0.0.1', ip: 'ipv4', icmp: 'icmp', kind: [3, 4] },
  { family: 'IPv6', to: 'cafe::2', gateway: 'cafe::254', from: 'cafe::1', ip: 'ipv6', icmp: 'icmpv6', kind: [2, 0] },
] as const;

/** Segments of the sender with data, in the order in which they were sent: IP bytes, and whether they may be fragmented. */
function dataSegments(packets: readonly CapturedPacket[], from: string) {
  return packets.flatMap(({ headers, bytes }) => {
    const ip = headers[1];
    const tcp = findHeader(headers, 'tcp');
    if ((ip?.layer !== 'ipv4' && ip?.layer !== 'ipv6') || ip.source !== from || tcp === undefined) return [];
    if (tcp.data.length === 0) return [];
    const dontFragment = ip.layer === 'ipv6' || ip.dontFragment;
    return [{ ipBytes: bytes.length - 14, dontFragment }];
  });
}

/** @param mode of both hypervisors */
export function describePathMtu(mode: 'hybrid' | 'ebpf'): void {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: mode, hv2: mode } }));
  const content = randomBytes(BYTES);
  const file = join(network.directory, 'content');

  beforeAll(async () => {
    writeFileSync(file, content);
    // A tap takes what the VM sends, whatever its own MTU; a veth drops what is above it (is_skb_forwardable, net/core/dev.c).
    for (const [node, vm] of [
      ['hv1', 't100-1'],
      ['hv2', 't100-2'],
    ] as const) {
      await network.ip(node, `link set dev ${vm} mtu ${ETHERNET_MTU}`);
      await network.ip(vm, `link set dev eth0 mtu ${ETHERNET_MTU}`);
    }
    const object = BpfObject.load(join(ROOT, 'build/bpf/test/mss.o'));
    const link = attachTcx(object.program('ignore_mss'), {
      interface: 'eth0',
      netns: network.netns('t100-1'),
      direction: 'ingress',
    });
    return () => {
      link.close();
      object.close();
    };
  });

  describe.each([
    { what: 'wire-sized segments', offloads: 'off' },
    { what: 'super-packets', offloads: 'on' },
  ] as const)(`${mode}, $what`, ({ offloads }) => {
    it.each(FAMILIES)('$family: the sender learns the MTU, sends smaller segments and loses no data', async (row) => {
      const { to, from, gateway, icmp, kind } = row;
      await network.output('t100-1', ['ethtool', '-K', 'eth0', 'tso', offloads, 'gso', offloads]);
      await network.ip('t100-1', 'route flush cache');
      await network.ip('t100-1', '-6 route flush cache');
      const server = new Background(network.netns('t100-2'), [process.execPath, '-e', RECEIVER]);
      let captures;
      try {
        await server.waitFor(/listening/, START_MS);
        captures = [await network.capture('t100-1'), await network.capture(ROUTER, 'hv1')];
        await network.shell('t100-1', `cat '${file}' >/dev/tcp/${to}/${PORT}`);
        await server.waitFor(/\n$/, TRANSFER_MS);
      } finally {
        await server.stop();
      }
      const [atVm = [], atRouter = []] = await Promise.all(captures.map((capture) => capture.stop()));
      expect(server.output).toContain(`${BYTES} ${createHash('sha256').update(content).digest('hex')}`);

      const told = atVm.flatMap(({ headers }) => {
        const ip = headers[1];
        const message = findHeader(headers, icmp);
        if ((ip?.layer !== 'ipv4' && ip?.layer !== 'ipv6') || message?.type !== kind[0] || message.code !== kind[1])
          return [];
        return [ip.source];
      });
      expect(new Set(told)).toEqual(new Set([gateway]));
      expect(told.length).toBeLessThanOrEqual(MOST_TOO_BIG);

      const segments = dataSegments(atVm, from);
      expect(segments.every(({ dontFragment }) => dontFragment)).toBe(true);
      const lastTooBig = segments.findLastIndex(({ ipBytes }) => ipBytes > TENANT_MTU);
      const longest = Math.max(...segments.map(({ ipBytes }) => ipBytes));
      if (offloads === 'on') expect(longest).toBeGreaterThan(ETHERNET_MTU);
      else {
        expect(longest).toBe(ETHERNET_MTU);
        const tooBig = segments.filter(({ ipBytes }) => ipBytes > TENANT_MTU).length;
        expect(tooBig).toBeLessThanOrEqual(MOST_TOO_BIG);
        // It converged, and stayed so: what came after is most of it, and as large as may be.
        const after = segments.slice(lastTooBig + 1);
        expect(after.length).toBeGreaterThan(BYTES / TENANT_MTU / 2);
        expect(Math.max(...after.map(({ ipBytes }) => ipBytes))).toBe(TENANT_MTU);
      }
      const route = await network.ip('t100-1', `route get ${to}`);
      expect(route).toContain(`mtu ${TENANT_MTU}`);
      // What left the hypervisor for that: no larger than the underlay takes, once cut.
      expect(encapsulated(atRouter).length).toBeGreaterThan(0);
      expect(
        complaints(
          network,
          atVm.filter(({ headers }) => findHeader(headers, icmp)),
        ),
      ).toBe('');
    });
  });
}
