/**
 * Packets across a network node besides whole ones that fit: errors back to senders, and fragments; and the network
 * beyond the nodes.
 */
import { mkdirSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_POLICY_PRIORITY } from '../../../src/intent/bounds.js';
import { measureThroughput } from '../../../lab/throughput.js';
import { activeNode, routeBack } from '../../../lab/external.js';
import { probeAll } from '../../../lab/probe.js';
import { GatewayCapture, nodesOf } from '../../../lab/steering-flows.js';
import { Services } from '../../../lab/steering-matrix.js';
import { steeringTopology } from '../../../lab/steering.js';
import { find, sourceOf } from '../../../lab/topology.js';
import { connectAgain, cutOff } from '../../../lab/underlay.js';
import { findHeader } from '../../../src/packet/headers.js';
import { familyOf } from 'netlink-ts/inet';
import { inNetns } from 'netlink-ts';
import { useNetwork } from '../../netns/lib/network.js';

const TIMEOUT_MS = 300_000;
const RED_A = { 4: '10.1.0.10', 6: 'fd00:1::a' } as const;
const RED_GATEWAY = { 4: '10.1.0.1', 6: 'fd00:1::1' } as const;
const BLUE_B = { 4: '10.2.0.20', 6: 'fd00:2::b' } as const;
const DC = { 4: '203.0.113.10', 6: '2001:db8:dc::10' } as const;
const FAMILIES = [4, 6] as const;
const NODES = ['nn1', 'nn2'] as const;
/** Bytes, of the underlay between the network nodes and hv2 alone. */
const NARROW = 1400;
const OUTER = 40;
const FRAGMENTED = 4000;
const ECHO_PORT = 4000;
const WEB_PORT = 8005;
/** Bytes of headers before the data of an echo request. */
const ECHO_HEADERS = { 4: 28, 6: 48 } as const;

describe('across a network node', () => {
  const topology = steeringTopology('ebpf');
  topology.policies.push({
    ...{ name: 'datagrams', from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'udp', ports: [ECHO_PORT] },
    ...{ action: 'allow', priority: DEFAULT_POLICY_PRIORITY },
  });
  const network = useNetwork(topology);
  let services: Services;
  beforeAll(() => {
    services = new Services(network.topology);
    mkdirSync(`${network.directory}/captures`);
  });
  afterAll(() => services.close());

  const capture = (name: string): Promise<GatewayCapture> =>
    GatewayCapture.start(network.topology, `${network.directory}/captures`, name);

  describe('over a smaller path MTU', () => {
    beforeAll(async () => {
      for (const node of NODES)
        await network.ip(node, `-6 route change fd00:5e:2::/48 via ${router(node)} dev eth0 mtu ${NARROW}`);
      await network.applyAll();
    });
    afterAll(async () => {
      for (const node of NODES) await network.ip(node, `-6 route change fd00:5e:2::/48 via ${router(node)} dev eth0`);
      await network.applyAll();
    });
    const router = (node: string): string =>
      `fd00:ffff:${(network.topology.nodes.findIndex(({ name }) => name === node) + 1).toString(16)}::1`;

    it.each(FAMILIES)(
      'the sender gets Packet Too Big with the path MTU, IPv%s',
      { timeout: TIMEOUT_MS },
      async (family) => {
        const fits = NARROW - OUTER;
        const args = ['-M', 'do'];
        const size = fits - ECHO_HEADERS[family];
        expect(await network.ping('red-a', BLUE_B[family], { size, args })).toMatchObject({ received: 1 });
        const { received, errors } = await network.ping('red-a', BLUE_B[family], { size: size + 1, args, timeoutS: 1 });
        expect(received).toBe(0);
        // Told by the tenant's gateway; Linux's ping says it in its own words.
        expect(errors.join('\n')).toMatch(
          family === 4
            ? new RegExp(`From ${RED_GATEWAY[4]} .*mtu ?= ?${fits}`)
            : new RegExp(`Packet too big: mtu=${fits}`),
        );
        const route = await network.ip('red-a', `-${family} route get ${BLUE_B[family]}`);
        expect(route).toContain(`mtu ${fits}`);
      },
    );

    it.each(FAMILIES)('bulk TCP adapts its segment size, IPv%s', { timeout: TIMEOUT_MS }, async (family) => {
      await network.ip('red-a', `-${family} route flush cache`).catch(() => '');
      const [from, to] = [network.netns('red-a'), network.netns('blue-b')];
      const test = { from, to, address: BLUE_B[family], seconds: 1, port: WEB_PORT };
      const { bytes } = await measureThroughput(test);
      expect(bytes).toBeGreaterThan(1_000_000);
    });
  });

  it.each(FAMILIES)(
    'fragments follow their first fragment in both directions, IPv%s',
    { timeout: TIMEOUT_MS },
    async (family) => {
      const socket = createSocket({
        ...(family === 4 ? { type: 'udp4' } : { type: 'udp6', ipv6Only: true }),
        lookup: (address, _options, found) => {
          found(null, address, family);
        },
      });
      socket.on('message', (data, { address, port }) => {
        socket.send(data, port, address);
      });
      const any = family === 4 ? '0.0.0.0' : '::';
      inNetns(network.netns('blue-b'), () => socket.bind({ port: ECHO_PORT, address: any, exclusive: true }));
      try {
        const bytes = await network.shell(
          'red-a',
          `exec 3<>/dev/udp/${BLUE_B[family]}/${ECHO_PORT}
        for try in 1 2 3; do
          dd if=/dev/zero bs=${FRAGMENTED} count=1 status=none >&3
          got=$(timeout 3 dd bs=9000 count=1 status=none <&3 | wc -c)
          if [ "$got" -gt 0 ]; then break; fi
        done
        echo "$got"`,
        );
        expect(Number(bytes)).toBe(FRAGMENTED);
      } finally {
        socket.close();
      }
      // The same without a policy.
      expect(
        await probeAll(network.netns('blue-b'), [{ address: RED_A[family], protocol: 'udp', port: ECHO_PORT }], 1),
      ).toEqual([undefined]);
    },
  );

  it.each(FAMILIES)(
    'traceroute shows the network node with the gateway’s address, IPv%s',
    { timeout: TIMEOUT_MS },
    async (family) => {
      const capturing = await capture(`hops-${family}`);
      const hops: string[] = [];
      for (let ttl = 1; ttl <= 5; ttl++) {
        const { received, errors } = await network.ping('red-a', BLUE_B[family], { ttl, timeoutS: 2 });
        hops.push(
          received > 0
            ? 'reached'
            : (/From (\S+) .*(Time to live exceeded|Hop limit)/.exec(errors[0] ?? '')?.[1] ?? 'silence'),
        );
        if (received > 0) break;
      }
      // hv1, the network node, hv2: each answers as the gateway of the sender's tenant, but hv2, which is the other tenant's.
      expect(hops.slice(0, 2)).toEqual([RED_GATEWAY[family], RED_GATEWAY[family]]);
      expect(hops.at(-1)).toBe('reached');
      expect(hops).toHaveLength(4);
      // The second answer is the network node's own: its outer source says so.
      const sources = NODES.map((name) => sourceOf(find(network.topology.nodes, name)));
      const packets = await capturing.stopWhole();
      const exceeded = packets.filter(({ headers }) => {
        const icmp = findHeader(headers, family === 4 ? 'icmp' : 'icmpv6');
        return icmp?.type === (family === 4 ? 11 : 3) && sources.includes(findHeader(headers, 'ipv6')?.source ?? '');
      });
      expect(exceeded.length).toBeGreaterThan(0);
    },
  );

  describe('the network beyond', () => {
    const external = () => {
      const [first] = network.topology.externals ?? [];
      if (first === undefined) throw new Error('no external network');
      return first;
    };

    it.each(FAMILIES)('sees the VM’s own address, without NAT, IPv%s', { timeout: TIMEOUT_MS }, async (family) => {
      const seen: string[] = [];
      const server = createServer((socket) => {
        seen.push(socket.remoteAddress ?? '');
        socket.end('dc\n');
      });
      inNetns(network.netns('dc'), () => server.listen(ECHO_PORT));
      try {
        const probe = { address: DC[family], protocol: 'tcp', port: ECHO_PORT } as const;
        expect(await probeAll(network.netns('red-a'), [probe], 3)).toEqual(['dc']);
        expect(seen.map((address) => address.replace('::ffff:', ''))).toEqual([RED_A[family]]);
      } finally {
        server.close();
      }
    });

    it('has one active network node in both directions', { timeout: TIMEOUT_MS }, async () => {
      const active = activeNode(network.topology, external());
      const capturing = await capture('active');
      const probes = FAMILIES.flatMap((family) =>
        Array.from({ length: 10 }, () => ({ address: DC[family], protocol: 'tcp', port: 80 }) as const),
      );
      expect(await probeAll(network.netns('red-a'), probes, 3)).toEqual(probes.map(() => 'dc'));
      const inbound = FAMILIES.map((family) => ({ address: RED_A[family], protocol: 'tcp', port: 443 }) as const);
      expect(await probeAll(network.netns('dc'), inbound, 3)).toEqual(['red-a', 'red-a']);
      const packets = await capturing.stop();
      const nodes = nodesOf(network.topology, network.vm('red-a'), packets);
      expect(nodes.size).toBe(probes.length);
      expect(new Set(nodes.values())).toEqual(new Set([active]));
      const source = sourceOf(find(network.topology.nodes, active));
      const fromBeyond = packets.filter((one) => one.source === DC[familyOf(one.source)]);
      expect(fromBeyond.length).toBeGreaterThan(probes.length);
      expect(new Set(fromBeyond.map((one) => one.outerSource))).toEqual(new Set([source]));
    });

    it('uses the other network node when the active one fails', { timeout: TIMEOUT_MS }, async () => {
      const active = activeNode(network.topology, external());
      const other = active === 'nn1' ? 'nn2' : 'nn1';
      cutOff(network.topology, active);
      routeBack(network.topology, external(), other);
      try {
        for (const name of ['hv1', 'hv2', other]) await network.apply(name);
        const probes = FAMILIES.map((family) => ({ address: DC[family], protocol: 'tcp', port: 80 }) as const);
        expect(await probeAll(network.netns('red-a'), probes, 3)).toEqual(['dc', 'dc']);
      } finally {
        connectAgain(network.topology, active);
        routeBack(network.topology, external(), active);
        await network.applyAll();
      }
    });
  });
});
