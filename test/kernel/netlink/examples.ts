/** Checks of each program of src/netlink/examples, wherever it is installed. */
import { expect, it } from 'vitest';
import { TestNetns } from './harness.js';
import type { Examples } from '../examples.js';

export function netlinkExamples(examples: Examples): void {
  it('cover every program of the folder', () => {
    expect(examples.names).toEqual(['connect-netns.ts', 'routes.ts', 'watch-links.ts']);
  });

  it('routes.ts prints the routes of a table', () => {
    const netns = new TestNetns();
    netns.veth();
    netns.ip('addr add 192.0.2.1/24 dev v0');
    netns.ip('route add 198.51.100.0/24 via 192.0.2.2 metric 7 table 100');
    netns.ip('route add 203.0.113.0/24 table 100 nexthop via 192.0.2.2 weight 1 nexthop via 192.0.2.3 weight 2');
    netns.ip('route add blackhole 10.0.0.0/8 table 100');
    expect(examples.run(netns.name, 'routes.ts')).toEqual(
      expect.arrayContaining(['192.0.2.0/24 dev v0', expect.stringMatching(/^fe80::\/64 dev v0 metric 256$/)]),
    );
    const routes = [
      'blackhole 10.0.0.0/8',
      '198.51.100.0/24 via 192.0.2.2 dev v0 metric 7',
      '203.0.113.0/24',
      '    nexthop via 192.0.2.2 dev v0 weight 1',
      '    nexthop via 192.0.2.3 dev v0 weight 2',
    ];
    expect(examples.run(netns.name, 'routes.ts', '100')).toEqual(routes);
  });

  it('watch-links.ts prints the present links, and each change', async () => {
    const netns = new TestNetns();
    const watch = examples.start(netns.name, 'watch-links.ts');
    await watch.printed('lo up');
    netns.ip('link add d0 type veth peer name d1');
    await watch.printed('d0 down');
    netns.ip('link set d0 mtu 1400');
    netns.ip('link set d0 up');
    await watch.printed('d0 no carrier');
    netns.ip('link del d0');
    await watch.printed('d0 removed');
    expect(await watch.end()).toBe(0);
    const ofLink = watch.lines.filter((line) => line.startsWith('d0 '));
    expect(ofLink).toEqual(['d0 down', 'd0 no carrier', 'd0 down', 'd0 removed']);
  });

  it('connect-netns.ts connects a namespace completely or not at all', () => {
    const [here, there] = [new TestNetns(), new TestNetns()];
    const connect = (...words: string[]): string[] => examples.run(here.name, 'connect-netns.ts', there.name, ...words);
    const links = (netns: TestNetns): string[] => netns.ipJson<{ ifname: string }>('link').map(({ ifname }) => ifname);
    expect(() => connect('blue', '10.0.0.1/24', '10.0.0.999')).toThrow('10.0.0.999');
    expect(links(here)).not.toContain('blue');
    expect(links(there)).not.toContain('eth0');
    expect(connect('blue', '10.0.0.1/24', '10.0.0.2')).toEqual([
      `blue 10.0.0.1 is connected with eth0 10.0.0.2 of ${there.name}`,
    ]);
    expect(there.ip('route')).toContain('default via 10.0.0.1 dev eth0');
    expect(here.run('ping', '-c', '1', '10.0.0.2')).toContain('1 received');
    expect(() => connect('blue', '10.0.0.1/24', '10.0.0.2')).toThrow('EEXIST');
    expect(links(here)).toContain('blue');
  });
}
