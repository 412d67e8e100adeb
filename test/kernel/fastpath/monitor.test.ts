/** `segue monitor` and `segue capture` as commands, over programs that get packets from the test. */
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pinDirectory } from '../../../src/agent/instance.js';
import { Bench, MACS } from './bench.js';
import { Node, SID } from './node.js';
import { encapsulated, ethernet, IP, ip4, ip6, tcp, udp } from './packets.js';
import { ifindex, u32 } from '../libbpf/harness.js';
import type { Background } from '../../../lab/process.js';

const TO_PORT = { to: MACS.port, from: MACS.vm };
const PATIENCE_MS = 300_000;
const arriving = (inner: Buffer): Buffer =>
  ethernet(encapsulated(inner, [SID], 'fd00:5e:2::1', 0), { to: MACS.uplink, from: MACS.router });

async function lines(command: Background, count: number): Promise<Record<string, unknown>[]> {
  await command.waitFor(new RegExp(`(^\\{.*\\n[^]*?){${count}}`, 'm'), PATIENCE_MS);
  return command.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('segue monitor', () => {
  it('reports drops and punts with reason, tenant, port and packet, and no forwarded packets', async () => {
    const bench = new Bench();
    const monitor = await new Node(bench).pin().watch('monitor', '-j');
    bench.send('port_tc', ethernet(ip4(), TO_PORT));
    bench.send('port_tc', ethernet(ip4({ from: '10.0.0.66', payload: udp({ source: 5, destination: 53 }) }), TO_PORT));
    bench.send('uplink_tc', arriving(ip6({ from: 'cafe::2', to: 'cafe::99', next: IP.tcp, payload: tcp() })), {
      ifindex: ifindex(bench.netns, 'v1'),
    });
    const [drop, punt, ...rest] = await lines(monitor, 2);
    expect(rest).toEqual([]);
    expect(drop?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect({ ...drop, time: '' }).toEqual({
      event: 'packet',
      time: '',
      verdict: 'drop',
      reason: 'source address',
      slug: 'drop-source-address',
      program: 'port',
      device: 'v0',
      tenant: 'red',
      port: 'red-a',
      peer: null,
      policy: null,
      from: '10.0.0.66',
      to: '10.0.0.2',
      protocol: 'udp',
      sourcePort: 5,
      destinationPort: 53,
      icmpType: null,
      vlan: null,
      length: 20 + 8 + 16,
      outerFrom: null,
      outerTo: null,
    });
    expect(punt).toMatchObject({
      verdict: 'punt',
      reason: 'no member',
      program: 'uplink',
      device: 'v1',
      tenant: 'red',
      port: null,
      from: 'cafe::2',
      to: 'cafe::99',
      protocol: 'tcp',
      destinationPort: 80,
      outerFrom: 'fd00:5e:2::1',
      outerTo: SID,
    });
    monitor.child.kill('SIGINT');
    await monitor.wait();
    expect(monitor.child.exitCode).toBe(0);
    expect(bench.maps.sg_trace_on.lookup(u32(0))?.readUInt32LE(0)).toBe(0);
  });

  it('prints one reason of one port as text, and the number of suppressed events', async () => {
    const bench = new Bench();
    const monitor = await new Node(bench).pin().watch('monitor', '-r', 'no-member', '-p', 'red-a', '--rate', '1');
    bench.send('port_tc', ethernet(ip4({ to: '224.0.0.1' }), TO_PORT));
    for (let count = 0; count < 30; count++) bench.send('port_tc', ethernet(ip4({ to: '10.0.0.99' }), TO_PORT));
    await monitor.waitFor(/suppressed/, PATIENCE_MS);
    expect(monitor.output).toMatch(/^TIME +VERDICT +REASON +TENANT +PORT +PACKET$/m);
    expect(monitor.output).toMatch(
      /^[0-9:.]{15} {2}punt +no member +red +red-a +10\.0\.0\.1 > 10\.0\.0\.99 udp 4000 > 53, 44 bytes$/m,
    );
    expect(monitor.output).toMatch(/^segue: suppressed: [0-9]+ punt no member$/m);
    expect(monitor.output).not.toContain('not routed');
  });

  it('continues with new maps after its maps are removed', async () => {
    const bench = new Bench();
    const node = new Node(bench).pin();
    const monitor = await node.watch('monitor', '-j');
    rmSync(pinDirectory(node.name), { recursive: true });
    await monitor.waitFor(/maps are gone: waiting/, PATIENCE_MS);
    const next = new Bench({ netns: bench.netns });
    next.pin(node.name);
    await monitor.waitFor(/made again: continuing with the new one/, PATIENCE_MS);
    next.send('port_tc', ethernet(ip4({ to: '10.0.0.99' }), TO_PORT));
    expect(await lines(monitor, 1)).toMatchObject([{ reason: 'no member' }]);
  });

  it('ends when its reader closes the pipe', async () => {
    const bench = new Bench();
    const monitor = await new Node(bench).pin().watch('monitor', '-j');
    monitor.child.stdout?.destroy();
    for (let count = 0; count < 3 && !monitor.hasEnded; count++) {
      bench.send('port_tc', ethernet(ip4({ to: '10.0.0.99' }), TO_PORT));
      await Promise.race([monitor.wait(), new Promise((resolve) => setTimeout(resolve, 1000))]);
    }
    await monitor.wait();
    expect(monitor.child.exitCode).toBe(0);
    expect(monitor.output).not.toMatch(/EPIPE/);
  });

  it.each([
    [['-r', 'nonsense'], 2, '--reason nonsense: expected one of unreachable, not ip, not routed, no member'],
    [['-t', 'green'], 2, '--tenant green: expected one of red'],
    [['-p', 'far-a'], 2, '--port far-a: it is on far; expected a port of '],
    [['-p', 'nobody'], 2, '--port nobody: expected a port of '],
    [['--rate', '-1'], 2, '--rate -1: expected a number from 0 to 1000000'],
    [[], 1, 'has no fast path yet: run segue apply, or start the agent'],
  ])('%j: exit %i', async (args, code, words) => {
    const monitor = new Node(new Bench()).start('monitor', ...args);
    await monitor.wait();
    expect(monitor.output).toContain(words);
    expect(monitor.child.exitCode).toBe(code);
  });

  it('reports in kernel mode that there is nothing to monitor', async () => {
    const monitor = new Node(new Bench(), { dataplane: 'kernel' }).start('monitor');
    await monitor.wait();
    expect(monitor.output).toContain(
      'has no fast path (dataplane: kernel): segue monitor needs dataplane hybrid or ebpf',
    );
    expect(monitor.child.exitCode).toBe(1);
  });
});

/** Fields of every packet of a file, as tshark reads them. */
function tshark(file: string, ...fields: string[]): string[][] {
  const argv = ['-n', '-r', file, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const { stdout, stderr, status } = spawnSync('tshark', argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
}

describe('segue capture', () => {
  it('writes each packet as received and as sent, and tshark reads them', async () => {
    const bench = new Bench();
    const node = new Node(bench).pin();
    const file = node.file('out.pcapng');
    const capture = await node.watch('capture', '-t', 'red', '-w', file, '--count', '3');
    const v1 = ifindex(bench.netns, 'v1');
    bench.send('port_tc', ethernet(ip4({ payload: udp({ size: 600 }) }), TO_PORT));
    bench.send('uplink_tc', arriving(ip6({ from: 'cafe::2', to: 'cafe::1' })), { ifindex: v1 });
    bench.send('port_tc', ethernet(ip4({ to: '10.0.0.99' }), TO_PORT));
    await capture.wait();
    expect(capture.output).toContain('3 packets, 0 dropped');
    expect(capture.child.exitCode).toBe(0);
    const fields = ['frame.interface_name', 'frame.packet_flags_direction', 'frame.len', 'frame.protocols'];
    expect(tshark(file, ...fields)).toEqual([
      ['v0', '0x00000001', '642', 'eth:ethertype:ip:udp:dns'],
      ['ifindex 500', '0x00000002', '682', 'eth:ethertype:ipv6:ip:udp:dns'],
      ['v1', '0x00000001', '118', 'eth:ethertype:ipv6:ipv6:udp:dns'],
      ['v0', '0x00000002', '78', 'eth:ethertype:ipv6:udp:dns'],
      ['v0', '0x00000001', '58', 'eth:ethertype:ip:udp:dns'],
    ]);
    expect(tshark(file, 'frame.comment').flat()).toEqual([
      'packet 1 as it arrived: forward (forwarded), tenant red, leaves by ifindex 500',
      'packet 1 as it leaves, tenant red, arrived by v0',
      'packet 2 as it arrived: forward (forwarded), tenant red, leaves by v0',
      'packet 2 as it leaves, tenant red, arrived by v1',
      'packet 3 as it arrived: punt (no member), tenant red',
    ]);
    expect(tshark(file, 'frame.packet_id').flat()).toEqual(['1', '1', '2', '2', '3']);
  });

  it('writes truncated packets of one address to standard output', async () => {
    const bench = new Bench();
    const node = new Node(bench).pin();
    const capture = node.start('capture', '-p', 'v0', '-w', '-', '-s', '60', '--host', '10.0.0.2/31', '--count', '1');
    const chunks: Buffer[] = [];
    capture.child.stdout
      ?.removeAllListeners('data')
      .on('data', (chunk: string) => chunks.push(Buffer.from(chunk, 'latin1')));
    capture.child.stdout?.setEncoding('latin1');
    await capture.waitFor(/capturing on/, PATIENCE_MS);
    bench.send('port_tc', ethernet(ip4({ to: '10.0.0.99' }), TO_PORT));
    bench.send('port_tc', ethernet(ip6(), TO_PORT));
    bench.send('uplink_tc', arriving(ip4({ from: '10.0.0.2', to: '10.0.0.1' })));
    await capture.wait();
    const file = node.file('pipe.pcapng');
    writeFileSync(file, Buffer.concat(chunks));
    expect(tshark(file, 'frame.cap_len', 'frame.len', 'ip.dst')).toEqual([
      ['60', '98', ''],
      ['58', '58', '10.0.0.1'],
    ]);
  });

  it('prints one line for each packet that crosses an uplink', async () => {
    const bench = new Bench();
    const node = new Node(bench).pin();
    const capture = await node.watch('capture', '-u', 'v1', '--count', '1');
    bench.send('port_tc', ethernet(ip4(), TO_PORT));
    bench.send('uplink_tc', arriving(ip4({ from: '10.0.0.2', to: '10.0.0.1' })), {
      ifindex: ifindex(bench.netns, 'v1'),
    });
    await capture.wait();
    expect(capture.output).toMatch(
      /^[0-9:.]{15} {2}forward forwarded {2}v1 > v0 {2}10\.0\.0\.2 > 10\.0\.0\.1 udp 4000 > 53, 44 bytes, in fd00:5e:2::1 > fd00:5e:1:4600:64::$/m,
    );
  });

  it.each([
    [['-u', 'eth9'], 2, '--uplink eth9: expected one of v1'],
    [['--host', 'here'], 2, '--host here: expected an IPv4 or IPv6 address or prefix'],
    [['-s', '0'], 2, '--snaplen 0: expected a number from 1 to 9216'],
    [['--count', 'x'], 2, '--count x: expected a number from 1 to '],
    [[], 1, 'tcpdump -i v1 shows them'],
  ])('%j: exit %i', async (args, code, words) => {
    const capture = new Node(new Bench()).start('capture', ...args);
    await capture.wait();
    expect(capture.output).toContain(words);
    expect(capture.child.exitCode).toBe(code);
  });

  it('exits with 1 when the file cannot be written', async () => {
    const capture = new Node(new Bench()).pin().start('capture', '-w', '/proc/nowhere');
    await capture.wait();
    expect(capture.output).toMatch(/-w .*\/proc\/nowhere/);
    expect(capture.child.exitCode).toBe(1);
  });

  it('exits with 1 when no process reads from the FIFO', async () => {
    const node = new Node(new Bench()).pin();
    const fifo = node.file('fifo');
    execFileSync('mkfifo', [fifo]);
    const capture = node.start('capture', '-w', fifo);
    await capture.wait();
    expect(capture.output).toBe(`segue: -w ${fifo}: no process reads from it\n`);
    expect(capture.child.exitCode).toBe(1);
  });

  it('ends on SIGTERM while its reader does not read', async () => {
    const bench = new Bench();
    const capture = new Node(bench).pin().start('capture', '-w', '-');
    capture.child.stdout?.removeAllListeners('data').pause();
    await capture.waitFor(/capturing on/, PATIENCE_MS);
    const frame = ethernet(ip4({ payload: udp({ size: 1300 }) }), TO_PORT);
    // More than a pipe and the streams at its ends hold.
    for (let count = 0; count < 400; count++) bench.send('port_tc', frame);
    capture.child.kill('SIGTERM');
    await new Promise((resolve) => capture.child.once('exit', resolve));
    expect(capture.output).toMatch(/^segue: -w -: the reader does not read: [0-9]+ bytes were not written$/m);
    expect(capture.child.exitCode).toBe(1);
  });
});
