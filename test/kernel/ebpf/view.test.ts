/** trace, monitor and capture where the fast path forwards alone, over real packets. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Background } from '../../../lab/process.js';
import { showContext } from '../../../src/observe/inspect/context.js';
import { trace } from '../../../src/observe/trace/trace.js';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import type { Trace, TraceReason } from '../../../src/observe/trace/types.js';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));
const MTU = 1460;
const ICMP_BYTES = 28;
const PATIENCE_MS = 300_000;

describe('where the fast path forwards alone', () => {
  const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }));
  const commands: Background[] = [];

  beforeAll(() => {
    network.files();
  });

  afterEach(async () => {
    for (const command of commands.splice(0)) await command.stop();
  });

  const start = async (...args: string[]): Promise<Background> => {
    const config = join(network.directory, 'hv1.yaml');
    const command = new Background(undefined, [process.execPath, SEGUE, ...args, '-c', config]);
    commands.push(command);
    await command.waitFor(/segue: (monitoring|capturing)/, PATIENCE_MS);
    return command;
  };
  const ping = async (to: string, size = 84, ttl = 64): Promise<number> =>
    (await network.ping('t100-1', to, { size: size - ICMP_BYTES, ttl, args: ['-M', 'do'] })).received;

  it.each([
    [{ to: '10.0.0.2' }, 'sent'],
    [{ to: '10.0.0.2', size: MTU }, 'sent'],
    [{ to: '10.0.0.2', size: MTU + 1 }, 'too-big-for-port'],
    [{ to: '10.0.0.2', ttl: 3 }, 'sent'],
    [{ to: '10.0.0.2', ttl: 2 }, 'hop-limit'],
    [{ to: '10.0.0.2', ttl: 1 }, 'hop-limit'],
    [{ to: '203.0.113.1' }, 'no-member'],
  ] satisfies [{ to: string; size?: number; ttl?: number }, 'sent' | TraceReason][])(
    'trace agrees with forwarding: %j %s',
    async (question, said) => {
      const context = showContext(network.instance('hv1'), network.intent());
      const found: Trace = await trace(context, network.intent(), { port: 't100-1', size: 84, ...question });
      expect({ said: found.reason ?? found.verdict, path: found.path }).toEqual({ said, path: 'fastpath' });
      const { to, size, ttl } = { size: 84, ttl: 64, ...question };
      expect(await ping(to, size, ttl)).toBe(said === 'sent' ? 1 : 0);
    },
  );

  it('trace reports the remote node by its plan alone', async () => {
    const context = showContext(network.instance('hv1'), network.intent());
    const there = { port: 't100-1', size: 84, to: '10.0.0.2' };
    await network.purge('hv2');
    try {
      const found = await trace(context, network.intent(), there);
      expect(await ping('10.0.0.2')).toBe(0);
      expect(found.verdict).toBe('sent');
      const command = 'segue trace --port t100-2 --from 10.0.0.2 --to 10.0.0.1';
      expect(found.next).toEqual({ node: network.netns('hv2'), command });
      expect(found.steps.filter(({ node }) => node === network.netns('hv2')).map(({ verdict }) => verdict)).toEqual([
        'planned',
        'planned',
      ]);
    } finally {
      await network.apply('hv2');
    }
    expect(await ping('10.0.0.2')).toBe(1);
  });

  it('trace warns of a missing route to the locator while the fast path still has the next hop', async () => {
    const context = showContext(network.instance('hv1'), network.intent());
    const [route = ''] = (await network.ip('hv1', '-6 route show default')).split('\n');
    await network.ip('hv1', '-6 route del default');
    try {
      const found = await trace(context, network.intent(), { port: 't100-1', size: 84, to: '10.0.0.2' });
      expect(found.steps.find(({ step }) => step === 'outer')).toMatchObject({ verdict: 'warn' });
      expect(found.text).toContain('the route to fd00:5e:2:4600:64:: is gone');
    } finally {
      await network.ip('hv1', `-6 route add ${route.replace(/ (proto|metric|pref) .*/, '')}`);
    }
  });

  it('trace reports that the gateway has no TCP service', async () => {
    const context = showContext(network.instance('hv1'), network.intent());
    const found = await trace(context, network.intent(), {
      ...{ port: 't100-1', size: 84 },
      to: '10.0.0.254',
      protocol: 'tcp',
    });
    expect(found).toMatchObject({ verdict: 'dropped', reason: 'gateway-no-service' });
  });

  it('monitor reports drops, also those that other modes punt', async () => {
    const monitor = await start('monitor', '-j', '-r', 'drop', '-t', 't100');
    // By ARP: it is of the VM's own subnet.
    await ping('10.0.0.77');
    await monitor.waitFor(/"verdict":"drop","reason":"no member".*10\.0\.0\.77"/, PATIENCE_MS);
    expect(monitor.output).not.toContain('"punt"');
  });

  it('capture writes each packet as received and as sent, and tshark reads them', async () => {
    const file = join(network.directory, 'view.pcapng');
    const capture = await start('capture', '-u', 'eth0', '--host', '10.0.0.2', '-w', file, '--count', '2');
    expect(await ping('10.0.0.2', MTU)).toBe(1);
    await capture.wait();
    const fields = ['frame.interface_name', 'frame.packet_id', 'frame.packet_flags_direction', 'frame.len'];
    const shown = [...fields, 'ipv6.dst', 'ip.dst', 'ip.ttl', 'ip.checksum.status', '_ws.malformed'];
    const argv = ['-n', '-o', 'ip.check_checksum:TRUE', '-r', file, '-T', 'fields'];
    const { stdout } = spawnSync('tshark', [...argv, ...shown.flatMap((field) => ['-e', field])], { encoding: 'utf8' });
    const [own, far] = ['fd00:5e:1:4600:64::', 'fd00:5e:2:4600:64::'];
    expect(stdout.trimEnd().split('\n')).toEqual([
      ['t100-1', '1', '0x00000001', '1474', '', '10.0.0.2', '64', '1', ''].join('\t'),
      ['eth0', '1', '0x00000002', '1514', far, '10.0.0.2', '63', '1', ''].join('\t'),
      ['eth0', '2', '0x00000001', '1514', own, '10.0.0.1', '63', '1', ''].join('\t'),
      ['t100-1', '2', '0x00000002', '1474', '', '10.0.0.1', '62', '1'].join('\t'),
    ]);
  });
});
