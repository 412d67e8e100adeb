import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { readQuestion, traceLines } from '../../../src/cli/trace.js';
import { longestPrefix } from '../../../src/observe/trace/longest-prefix.js';
import { encapBytes, sizesOf } from '../../../src/observe/trace/sizes.js';
import { stateName } from '../../../src/observe/trace/outer.js';

const FLAGS = { config: '/node.yaml', port: 'red-a', to: '10.0.0.20' };

describe('readQuestion', () => {
  it('defaults to the size of a ping', () => {
    expect(readQuestion(FLAGS, 84)).toEqual({ port: 'red-a', to: '10.0.0.20', size: 84 });
  });

  it('canonicalises addresses', () => {
    const flags = { ...FLAGS, to: 'FD00:10:0::B', from: 'fd00:10:0:0::a', size: '1500' };
    expect(readQuestion(flags, 84)).toEqual({ port: 'red-a', to: 'fd00:10::b', from: 'fd00:10::a', size: 1500 });
  });

  it('reads a protocol, L4 ports and a TTL', () => {
    const flags = { ...FLAGS, proto: 'tcp', sport: '4000', dport: '80', ttl: '1', syn: true };
    expect(readQuestion(flags, 84)).toEqual({
      port: 'red-a',
      to: '10.0.0.20',
      size: 84,
      protocol: 'tcp',
      sourcePort: 4000,
      destinationPort: 80,
      ttl: 1,
      syn: true,
    });
  });

  it('reads a packet that arrives at a network node', () => {
    const flags = { tenant: 'red', from: '10.0.0.2', to: '10.1.0.2', proto: 'udp', dport: '53' };
    expect(readQuestion(flags, 84)).toEqual({
      ...{ tenant: 'red', from: '10.0.0.2', to: '10.1.0.2', size: 84, protocol: 'udp', destinationPort: 53 },
    });
    expect(() => readQuestion({ ...flags, size: '3001' }, 84)).toThrow('--size 3001: expected bytes from 28 to 3000');
    const { to, from } = flags;
    expect(() => readQuestion({ to, from }, 84)).toThrow('expected --port, or on a network node --tenant with --from');
    expect(() => readQuestion({ to, tenant: 'red' }, 84)).toThrow(
      '--tenant red: expected with --from, the address of a member',
    );
    expect(() => readQuestion({ ...flags, port: 'red-a' }, 84)).toThrow('--tenant red: not with --port');
  });

  it('reads an address of the packet by the same options as other commands', () => {
    const { port } = FLAGS;
    const asked = { port: 'red-a', to: '10.0.0.20', size: 84 };
    expect(readQuestion({ port, address: '10.0.0.20' }, 84)).toEqual(asked);
    expect(readQuestion({ port, host: '10.0.0.20' }, 84)).toEqual(asked);
    expect(readQuestion({ port, host: '10.0.0.20', from: '10.0.0.1' }, 84)).toEqual({ ...asked, from: '10.0.0.1' });
    expect(readQuestion({ ...FLAGS, host: '10.0.0.1' }, 84)).toEqual({ ...asked, from: '10.0.0.1' });
    expect(readQuestion({ tenant: 'red', host: '10.0.0.1', to: '10.0.0.20' }, 84)).toEqual({
      ...{ tenant: 'red', from: '10.0.0.1', to: '10.0.0.20', size: 84 },
    });
    expect(() => readQuestion({ port }, 84)).toThrow('expected --to, or --address: the destination');
    expect(() => readQuestion({ ...FLAGS, from: '10.0.0.1', address: '10.0.0.3' }, 84)).toThrow(
      '--address 10.0.0.3: not with both --to and --from, which name both ends of the packet',
    );
    expect(() => readQuestion({ port, host: '10.0.0.0/24' }, 84)).toThrow(
      '--host 10.0.0.0/24: expected an IPv4 or IPv6 address',
    );
    expect(() => readQuestion({ ...FLAGS, host: 'fd00::1' }, 84)).toThrow(
      '--host fd00::1: expected an address of the family of 10.0.0.20',
    );
  });

  it.each([
    [{ to: '10.0.0.300' }, '--to 10.0.0.300: expected an IPv4 or IPv6 address'],
    [{ from: 'fd00::1' }, '--from fd00::1: expected an address of the family of 10.0.0.20'],
    [{ size: '19' }, '--size 19: expected bytes from 20 to 65535'],
    [{ size: '1e9' }, '--size 1e9: expected bytes from 20 to 65535'],
    [{ to: 'fd00::1', size: '39' }, '--size 39: expected bytes from 40 to 65535'],
    [{ proto: 'tcp', size: '39' }, '--size 39: expected bytes from 40 to 65535'],
    [{ proto: 'udp', to: 'fd00::1', size: '47' }, '--size 47: expected bytes from 48 to 65535'],
    [{ proto: 'gre' }, '--proto gre: expected icmp, tcp or udp'],
    [{ sport: '53' }, '--sport: expected with --proto tcp or udp'],
    [{ proto: 'icmp', dport: '53' }, '--dport: expected with --proto tcp or udp'],
    [{ proto: 'udp', dport: '65536' }, '--dport 65536: expected a number from 0 to 65535'],
    [{ proto: 'udp', syn: true }, '--syn: expected with --proto tcp'],
    [{ ttl: '256' }, '--ttl 256: expected a number from 0 to 255'],
    [{ ttl: '-1' }, '--ttl -1: expected a number from 0 to 255'],
  ])('refuses %j', (wrong, message) => {
    expect(() => readQuestion({ ...FLAGS, ...wrong }, 84)).toThrow(message);
  });
});

describe('traceLines', () => {
  it('run from the packet to the verdict', () => {
    const lines = traceLines({
      node: 'hv1',
      port: 'red-a',
      interface: 'tap-a',
      tenant: 'red',
      from: '10.0.0.10',
      to: '10.0.0.77',
      size: 84,
      protocol: 'icmp',
      path: 'kernel',
      steps: [
        { node: 'hv1', step: 'guard', verdict: 'pass', text: "source 10.0.0.10 is the port's", detail: {} },
        { node: 'hv1', step: 'route', verdict: 'drop', text: 'unreachable 10.0.0.0/24', detail: {} },
      ],
      verdict: 'dropped',
      reason: 'no-member',
      text: 'no member of red has 10.0.0.77 (route on hv1)',
      next: null,
    });
    expect(lines).toEqual([
      '10.0.0.10 > 10.0.0.77 icmp, 84 bytes, from red-a (red) on hv1',
      'NODE  STEP         WHAT',
      "hv1   guard  ok    source 10.0.0.10 is the port's",
      'hv1   route  drop  unreachable 10.0.0.0/24',
      'dropped: no member of red has 10.0.0.77 (route on hv1)',
    ]);
  });
});

describe('sizes', () => {
  // RFC 8986 sections 5.1 and 5.2: H.Encaps.Red leaves the first segment, and with one segment the SRH, out.
  it.each([
    ['encap.red', 1, 40],
    ['encap.red', 2, 40 + 8 + 16],
    ['encap.red', 3, 40 + 8 + 32],
    ['encap', 1, 40 + 8 + 16],
    ['encap', 3, 40 + 8 + 48],
  ])('%s with %d segments adds %d bytes', (mode, segments, bytes) => {
    expect(encapBytes(mode, segments)).toBe(bytes);
    expect(sizesOf(1000, mode, segments)).toEqual({ inner: 1000, overhead: bytes, outer: 1000 + bytes });
  });
});

describe('longestPrefix', () => {
  const route = (prefix: string, metric = 0): { prefix: string; metric: number } => ({ prefix, metric });

  it('takes the most specific route, then the smallest metric', () => {
    const routes = [route('0.0.0.0/0'), route('10.0.0.0/24', 9), route('10.0.0.0/24', 3), route('10.0.0.128/25')];
    expect(longestPrefix(routes, '10.0.0.5')).toEqual(route('10.0.0.0/24', 3));
    expect(longestPrefix(routes, '10.0.0.200')).toEqual(route('10.0.0.128/25'));
    expect(longestPrefix(routes, '10.0.1.1')).toEqual(route('0.0.0.0/0'));
  });

  it('never mixes families', () => {
    expect(longestPrefix([route('::/0')], '10.0.0.1')).toBeUndefined();
    expect(longestPrefix([route('0.0.0.0/0')], 'fd00::1')).toBeUndefined();
  });

  it('agrees with integer arithmetic on IPv4', () => {
    const text = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
    const mask = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);
    const prefix = fc
      .record({ base: fc.integer({ min: 0, max: 0xffff }), length: fc.integer({ min: 16, max: 32 }) })
      .map(({ base, length }) => ({ bits: ((0x0a000000 | base) & mask(length)) >>> 0, length }));
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 20 }), fc.integer({ min: 0, max: 0xffff }), (prefixes, low) => {
        const address = (0x0a000000 | low) >>> 0;
        const expected = prefixes
          .filter(({ bits, length }) => (address & mask(length)) >>> 0 === bits)
          .sort((a, b) => b.length - a.length)[0];
        const routes = prefixes.map(({ bits, length }) => route(`${text(bits)}/${length}`));
        const found = longestPrefix(routes, text(address));
        expect(found?.prefix).toBe(expected && `${text(expected.bits)}/${expected.length}`);
      }),
    );
  });
});

describe('stateName', () => {
  it('names NUD states as ip does', () => {
    expect([0, 0x02, 0x04, 0x20, 0x80].map(stateName)).toEqual(['none', 'reachable', 'stale', 'failed', 'permanent']);
  });
});
