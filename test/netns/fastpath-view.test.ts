/** trace, monitor and capture on a hypervisor with a fast path, over real packets. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { familyOf } from 'netlink-ts/inet';
import { Background } from '../../lab/process.js';
import { showContext } from '../../src/observe/inspect/context.js';
import { trace } from '../../src/observe/trace/trace.js';
import { useNetwork } from './lib/network.js';
import { selftestTopology } from './lib/topologies.js';
import type { TestNetwork } from './lib/network.js';
import type { Topology } from '../../lab/topology.js';
import type { Trace, TraceReason } from '../../src/observe/trace/types.js';

const SEGUE = fileURLToPath(new URL('../../bin/segue', import.meta.url));
const MTU = 1460;
/** Inner bytes of an echo request's headers: IP and ICMP. */
const HEADER_BYTES = { 4: 28, 6: 48 } as const;
/** How long a command may take to say something, emulated. */
const PATIENCE_MS = 300_000;

/** The selftest's network, hybrid, with a second VM of t100 on hv1, and a network behind t100-2. */
function topology(): Omit<Topology, 'prefix'> {
  const base = selftestTopology({ dataplane: { hv1: 'hybrid', hv2: 'hybrid' } });
  const vms = base.vms.map((vm) => (vm.name === 't100-2' ? { ...vm, prefixes: ['192.168.7.0/24'] } : vm));
  const addresses = ['10.0.0.5', 'cafe::5'];
  return {
    ...base,
    vms: [...vms, { name: 't100-5', tenant: 't100', node: 'hv1', mac: '02:00:00:00:00:05', addresses }],
  };
}

interface Case {
  to: string;
  size?: number;
  from?: string;
  ttl?: number;
}

/** One echo request from t100-1 as asked, that nobody may fragment; from another source, which the VM has meanwhile. */
async function send(network: TestNetwork, { to, size = 84, from, ttl }: Case): Promise<number> {
  const family = familyOf(to);
  const options = {
    size: size - HEADER_BYTES[family],
    args: ['-M', 'do'],
    ...(ttl !== undefined && { ttl }),
  };
  if (from === undefined) return (await network.ping('t100-1', to, options)).received;
  const forged = `${from}/${family === 4 ? 32 : 128} dev eth0`;
  await network.ip('t100-1', `address add ${forged}${family === 6 ? ' nodad' : ''}`);
  try {
    return (await network.ping('t100-1', to, { ...options, source: from })).received;
  } finally {
    await network.ip('t100-1', `address del ${forged}`);
  }
}

describe('a hypervisor with a fast path', () => {
  const network = useNetwork(topology());
  const commands: Background[] = [];

  beforeAll(async () => {
    network.files();
    // The first packets let the kernel resolve the underlay, which the agent of a test that applies once has to be told.
    for (const to of ['10.0.0.2', 'cafe::2']) await network.ping('t100-1', to);
    await network.applyAll();
  });

  afterEach(async () => {
    for (const command of commands.splice(0)) await command.stop();
  });

  const ask = async (question: Case): Promise<Trace> => {
    const context = showContext(network.instance('hv1'), network.intent());
    return trace(context, network.intent(), { port: 't100-1', size: 84, ...question });
  };

  const start = async (...args: string[]): Promise<Background> => {
    const config = join(network.directory, 'hv1.yaml');
    const command = new Background(undefined, [process.execPath, SEGUE, ...args, '-c', config]);
    commands.push(command);
    await command.waitFor(/segue: (monitoring|capturing)/, PATIENCE_MS);
    return command;
  };

  const CASES: [what: string, question: Case, said: 'delivered' | 'sent' | TraceReason, path: Trace['path']][] = [
    ['a remote member', { to: '10.0.0.2' }, 'sent', 'fastpath'],
    ['a remote member over IPv6', { to: 'cafe::2' }, 'sent', 'fastpath'],
    ['a member on the same node', { to: '10.0.0.5' }, 'delivered', 'fastpath'],
    ['a member on the same node over IPv6', { to: 'cafe::5' }, 'delivered', 'fastpath'],
    ['a prefix behind a remote member', { to: '192.168.7.9' }, 'sent', 'fastpath'],
    ['the largest packet', { to: '10.0.0.2', size: MTU }, 'sent', 'fastpath'],
    ['the largest packet over IPv6', { to: 'cafe::2', size: MTU }, 'sent', 'fastpath'],
    ['a byte more', { to: '10.0.0.2', size: MTU + 1 }, 'too-big-for-port', 'fastpath'],
    ['a byte more over IPv6', { to: 'cafe::2', size: MTU + 1 }, 'too-big-for-port', 'fastpath'],
    ['a byte more on the same node', { to: '10.0.0.5', size: MTU + 1 }, 'too-big-for-port', 'fastpath'],
    ['the gateway', { to: '10.0.0.254' }, 'delivered', 'fastpath'],
    ['an unused address', { to: '10.0.0.77' }, 'no-member', 'kernel'],
    ['an unused IPv6 address', { to: 'cafe::77' }, 'no-member', 'kernel'],
    ['an Internet address', { to: '203.0.113.1' }, 'no-route', 'kernel'],
    ["another tenant's SID", { to: 'fd00:5e:2:4600:c8::' }, 'domain-address', 'fastpath'],
    ["another tenant's address, which nobody of this one has", { to: '10.0.0.3' }, 'no-member', 'kernel'],
    ['a forged source', { to: '10.0.0.2', from: '10.0.0.99' }, 'source-not-port', 'fastpath'],
    ['a forged IPv6 source', { to: 'cafe::2', from: 'cafe::99' }, 'source-not-port', 'fastpath'],
    ['a TTL for one hop', { to: '10.0.0.2', ttl: 1 }, 'hop-limit', 'fastpath'],
    ['a hop limit for one hop', { to: 'cafe::2', ttl: 1 }, 'hop-limit', 'fastpath'],
    ['a TTL for two hops where there are three', { to: '10.0.0.2', ttl: 2 }, 'hop-limit', 'fastpath'],
    ['a hop limit for two hops', { to: 'cafe::2', ttl: 2 }, 'hop-limit', 'fastpath'],
    ['a TTL for three hops', { to: '10.0.0.2', ttl: 3 }, 'sent', 'fastpath'],
    ['a TTL for two hops on the same node', { to: '10.0.0.5', ttl: 2 }, 'delivered', 'fastpath'],
    ['a TTL for one hop on the same node', { to: '10.0.0.5', ttl: 1 }, 'hop-limit', 'fastpath'],
    ['a multicast group', { to: '239.1.2.3' }, 'link-scope', 'kernel'],
  ];

  it.each(CASES)('trace agrees with forwarding: %s', async (_what, question, said, path) => {
    const found = await ask(question);
    expect({ said: found.reason ?? found.verdict, path: found.path }).toEqual({ said, path });
    expect(await send(network, question)).toBe(said === 'delivered' || said === 'sent' ? 1 : 0);
  });

  it('monitor reports drops and punts, also after the fast path is replaced', async () => {
    const monitor = await start('monitor', '-j', '-p', 't100-1');
    await send(network, { to: '10.0.0.2', from: '10.0.0.99' });
    await send(network, { to: '203.0.113.1' });
    await monitor.waitFor(/"no member".*203\.0\.113\.1"/, PATIENCE_MS);
    const events = monitor.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events).toContainEqual(
      expect.objectContaining({
        event: 'packet',
        verdict: 'drop',
        reason: 'source address',
        tenant: 't100',
        port: 't100-1',
        from: '10.0.0.99',
        to: '10.0.0.2',
        protocol: 'icmp',
        length: 84,
      }),
    );
    expect(events.filter(({ verdict }) => verdict === 'forward')).toEqual([]);
    await network.purge('hv1');
    await network.apply('hv1');
    await monitor.waitFor(/made again: continuing with the new one/, PATIENCE_MS);
    await send(network, { to: '203.0.113.2' });
    await monitor.waitFor(/"no member".*203\.0\.113\.2"/, PATIENCE_MS);
    // The way is to be resolved again, for what comes next.
    await network.ping('t100-1', '10.0.0.2');
    await network.apply('hv1');
  });

  it('capture writes each packet as received and as sent, and tshark reads them', async () => {
    const file = join(network.directory, 'view.pcapng');
    const capture = await start('capture', '-u', 'eth0', '--host', '10.0.0.2', '-w', file, '--count', '2');
    expect(await send(network, { to: '10.0.0.2', size: MTU })).toBe(1);
    await capture.wait();
    expect(capture.output).toContain('2 packets, 0 dropped');
    const fields = ['frame.interface_name', 'frame.packet_id', 'frame.packet_flags_direction', 'frame.protocols'];
    const argv = ['-n', '-o', 'ip.check_checksum:TRUE', '-r', file, '-T', 'fields'];
    const shown = [...fields, 'ip.dst', 'ipv6.dst', 'ip.ttl', 'ip.checksum.status', '_ws.malformed'];
    const { stdout } = spawnSync('tshark', [...argv, ...shown.flatMap((field) => ['-e', field])], { encoding: 'utf8' });
    const [own, far] = ['fd00:5e:1:4600:64::', 'fd00:5e:2:4600:64::'];
    const [plain, tunnelled] = ['eth:ethertype:ip:icmp:data', 'eth:ethertype:ipv6:ip:icmp:data'];
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual([
      ['t100-1', '1', '0x00000001', plain, '10.0.0.2', '', '64', '1', ''].join('\t').trimEnd(),
      ['eth0', '1', '0x00000002', tunnelled, '10.0.0.2', far, '63', '1', ''].join('\t').trimEnd(),
      ['eth0', '2', '0x00000001', tunnelled, '10.0.0.1', own, '63', '1', ''].join('\t').trimEnd(),
      ['t100-1', '2', '0x00000002', plain, '10.0.0.1', '', '62', '1', ''].join('\t').trimEnd(),
    ]);
  });
});
