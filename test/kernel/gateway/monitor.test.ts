/** `segue monitor` on a network node: refused packets with their policy, and decisions of policies with `log`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ip4, udp } from '../fastpath/packets.js';
import { ACK, SYN, ViewNode } from './view-node.js';
import type { Background } from '../../../lab/process.js';

const PATIENCE_MS = 300_000;
const RED_TO_BLUE = { from: { tenant: 'red' }, to: { tenant: 'blue' } };
const POLICIES = [
  { name: 'web', ...RED_TO_BLUE, protocol: 'tcp', ports: [80], action: 'allow' },
  { name: 'admin', ...RED_TO_BLUE, protocol: 'tcp', ports: [443], action: 'allow', log: true },
  { name: 'no-ssh', ...RED_TO_BLUE, protocol: 'tcp', ports: [22], action: 'deny', log: true },
  { name: 'no-smtp', ...RED_TO_BLUE, protocol: 'tcp', ports: [25], action: 'deny' },
];

const node = new ViewNode();
let port = 20_000;

beforeAll(async () => {
  node.setUp();
  await node.apply({ policies: POLICIES });
});

afterAll(() => node.tearDown());

/** Waits for so many objects. */
async function objects(command: Background, count: number): Promise<Record<string, unknown>[]> {
  await command.waitFor(new RegExp(`(^\\{.*\\n[^]*?){${count}}`, 'm'), PATIENCE_MS);
  return command.output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('segue monitor', () => {
  it('reports policy, zones and each refusal once', async () => {
    const monitor = await node.watch('monitor', '-j');
    expect(node.toBlue(++port, 22, SYN)).toBe('drop');
    expect(node.toBlue(++port, 25, SYN)).toBe('drop');
    expect(node.toBlue(++port, 99, SYN)).toBe('drop');
    expect(node.toBlue(++port, 443, SYN)).toBe('redirect');
    expect(node.toBlue(++port, 80, SYN)).toBe('redirect');
    expect(node.toBlue(port, 22, SYN)).toBe('drop');
    const found = await objects(monitor, 5);
    expect(found).toHaveLength(5);
    const of = (destination: number): Record<string, unknown>[] =>
      found.filter(({ destinationPort }) => destinationPort === destination);
    expect(of(22)).toHaveLength(2);
    expect({ ...of(22)[0], time: '' }).toEqual({
      ...{ event: 'decision', time: '', verdict: 'drop', reason: 'policy', slug: 'drop-policy', policy: 'no-ssh' },
      ...{ tenant: 'red', peer: 'blue', from: '10.0.0.2', to: '10.1.0.2', protocol: 'tcp' },
      ...{ sourcePort: port - 4, destinationPort: 22, length: 40 },
    });
    expect(of(25)).toMatchObject([
      {
        ...{ event: 'packet', verdict: 'drop', reason: 'policy', policy: 'no-smtp', tenant: 'red', peer: 'blue' },
        ...{ program: 'steer xdp', port: null, outerTo: 'fd00:5e:91:4600:64::' },
      },
    ]);
    expect(of(99)).toMatchObject([{ event: 'packet', reason: 'no policy match', policy: null, peer: 'blue' }]);
    expect(of(443)).toMatchObject([{ event: 'decision', verdict: 'forward', reason: 'forwarded', policy: 'admin' }]);
  });

  it('prints events of one tenant as text', async () => {
    const monitor = await node.watch('monitor', '-t', 'blue');
    node.send('red', ip4({ from: '10.0.0.2', to: '203.0.113.9', payload: udp() }));
    node.toBlue(++port, 22, SYN);
    node.toBlue(++port, 25, SYN);
    await monitor.waitFor(/policy no-smtp/, PATIENCE_MS);
    await monitor.waitFor(/policy no-ssh/, PATIENCE_MS);
    expect(monitor.output).toMatch(
      /^[0-9:.]{15} {2}drop +policy +red +\(log\) +10\.0\.0\.2 > 10\.1\.0\.2 tcp [0-9]+ > 22, 40 bytes, to blue, policy no-ssh$/m,
    );
    expect(monitor.output).toMatch(
      /^[0-9:.]{15} {2}drop +policy +red +\((lo|eth0)\) +10\.0\.0\.2 > 10\.1\.0\.2 tcp [0-9]+ > 25, 40 bytes, in fd00:5e:1::1 > fd00:5e:91:4600:64::, to blue, policy no-smtp$/m,
    );
    expect(monitor.output).not.toContain('203.0.113.9');
  });

  it('limits a flood to its rate, and reports the suppressed count', async () => {
    const monitor = await node.watch('monitor', '-j', '-r', 'policy', '--rate', '2');
    for (let number = 0; number < 60; number++) node.toBlue(40_000 + number, 22, SYN);
    await monitor.waitFor(/"event":"missed"/, PATIENCE_MS);
    await monitor.stop();
    const lines = monitor.output.split('\n').filter((line) => line.startsWith('{'));
    const parsed = lines.map((line) => JSON.parse(line) as { event: string; suppressed?: object[] });
    expect(parsed.filter(({ event }) => event === 'decision').length).toBeLessThanOrEqual(6);
    const missed = parsed.flatMap(({ suppressed }) => suppressed ?? []) as { policy: string; packets: number }[];
    const suppressed = missed
      .filter(({ policy }) => policy === 'no-ssh')
      .reduce((sum, { packets }) => sum + packets, 0);
    expect(suppressed + parsed.filter(({ event }) => event === 'decision').length).toBe(60);
  });

  it('reports, as a second one, that the first gets logged decisions, and shows packets', async () => {
    const first = await node.watch('monitor', '-j');
    const second = await node.watch('monitor', '-j');
    await second.waitFor(
      /another segue monitor reads the decisions of policies with "log": this one does not get them/,
      PATIENCE_MS,
    );
    node.toBlue(++port, 22, SYN);
    expect(await objects(first, 1)).toMatchObject([{ event: 'decision', policy: 'no-ssh' }]);
    // What the ring does not tell it, it finds out.
    expect(await objects(second, 1)).toMatchObject([{ event: 'packet', policy: 'no-ssh' }]);
  });

  it('skips decisions logged before its start', async () => {
    for (let number = 0; number < 3; number++) node.toBlue(++port, 22, SYN);
    const monitor = await node.watch('monitor', '-j', '-r', 'policy');
    await monitor.waitFor(/segue: [0-9]+ earlier logged decisions are skipped/, PATIENCE_MS);
    node.toBlue(++port, 22, SYN | ACK);
    node.toBlue(++port, 22, SYN);
    expect(await objects(monitor, 1)).toMatchObject([{ sourcePort: port }]);
  });

  it('names policies by the current intent', async () => {
    const monitor = await node.watch('monitor', '-j', '-r', 'policy');
    node.toBlue(++port, 25, SYN);
    expect(await objects(monitor, 1)).toMatchObject([{ policy: 'no-smtp' }]);
    await node.apply({ policies: [{ ...POLICIES[3], name: 'other' }] });
    node.toBlue(++port, 25, SYN);
    expect((await objects(monitor, 2))[1]).toMatchObject({ policy: 'other' });
    await node.apply({ policies: POLICIES });
  });
});

describe('segue capture', () => {
  it("captures a tenant's packets on a network node", async () => {
    const capture = node.start('capture', '-t', 'red', '--count', '2');
    await capture.waitFor(/segue: capturing/, PATIENCE_MS);
    node.toRed(80, ++port, ACK);
    node.toBlue(++port, 80, SYN);
    node.toBlue(++port, 25, SYN);
    await capture.wait();
    expect(capture.output).toMatch(/forward forwarded .* 10\.0\.0\.2 > 10\.1\.0\.2 tcp [0-9]+ > 80/);
    expect(capture.output).toMatch(/drop policy .* 10\.0\.0\.2 > 10\.1\.0\.2 tcp [0-9]+ > 25/);
    expect(capture.output).not.toContain('10.1.0.2 > 10.0.0.2');
  });
});
