import { describe, expect, it } from 'vitest';
import { decide } from '../../../src/gateway/decide.js';
import { compilePolicySet } from '../../../src/gateway/policy-set.js';
import type { Opening } from '../../../src/gateway/decide.js';
import type { Policy } from '../../../src/gateway/types.js';

const policy = (name: string, rest: Partial<Policy> = {}): Policy => ({
  ...{ name, from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'any', action: 'allow', priority: 1000 },
  ...rest,
});
const opening: Opening = { source: '10.0.0.2', destination: '10.1.0.2', protocol: 6, destinationPort: 80 };
const by = (policies: Policy[], rest: Partial<Opening> = {}): string | undefined =>
  decide(compilePolicySet(policies), { ...opening, ...rest })?.policy;

describe('decide', () => {
  it('matches protocol and L4 port, with ICMP of both families as one protocol', () => {
    const all = [policy('tcp', { protocol: 'tcp', ports: [80, '8000-8100'] }), policy('icmp', { protocol: 'icmp' })];
    expect([80, 81, 7999, 8000, 8100, 8101].map((destinationPort) => by(all, { destinationPort }))).toEqual([
      ...['tcp', undefined, undefined, 'tcp', 'tcp', undefined],
    ]);
    expect([1, 58, 17, 47].map((protocol) => by(all, { protocol }))).toEqual(['icmp', 'icmp', undefined, undefined]);
    expect(by([policy('any')], { protocol: 47 })).toBe('any');
  });

  it('prefers the longest prefix of each end, and then the priority among all matches', () => {
    const to = (...prefixes: string[]): Partial<Policy> => ({ to: { tenant: 'blue', prefixes } });
    const from = (...prefixes: string[]): Partial<Policy> => ({ from: { tenant: 'red', prefixes } });
    const all = [
      policy('all'),
      policy('net', to('10.1.0.0/24')),
      policy('host', { ...to('10.1.0.2/32'), action: 'deny', priority: 5 }),
      policy('both', { ...to('10.1.0.0/24'), ...from('10.0.0.0/28'), priority: 1 }),
    ];
    expect(by(all)).toBe('both');
    expect(by(all, { source: '10.0.0.99' })).toBe('host');
    expect(by(all, { source: '10.0.0.99', destination: '10.1.0.3' })).toBe('all');
    expect(by(all, { source: '10.0.0.99', destination: '10.9.0.3' })).toBe('all');
    expect(by(all.slice(1), { source: '10.0.0.99', destination: 'fd00::1' })).toBeUndefined();
  });

  it('returns the action and log flag of the policy', () => {
    const set = compilePolicySet([policy('no', { action: 'deny', log: true })]);
    expect(decide(set, opening)).toEqual({ first: 0, policy: 'no', log: true, rank: 0 });
  });
});
