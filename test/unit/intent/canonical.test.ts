import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import ip6addr from 'ip6addr';
import { parseIntent } from '../../../src/app/intent.js';
import { rawIntent } from './arbitrary.js';

const fromJson = (value: unknown) => parseIntent(JSON.stringify(value), { file: 'intent.json' });
const fromYaml = (value: unknown) => parseIntent(stringify(value), { file: 'intent.yaml' });

describe('canonical form', { timeout: 300_000 }, () => {
  it('is idempotent', () => {
    fc.assert(
      fc.property(rawIntent, (raw) => {
        const once = fromJson(raw);
        expect(fromJson(once)).toEqual(once);
      }),
    );
  });

  it('is the same from YAML and from JSON', () => {
    fc.assert(
      fc.property(rawIntent, (raw) => {
        expect(fromYaml(raw)).toEqual(fromJson(raw));
      }),
      { numRuns: 30 },
    );
  });

  it('writes addresses as another library does', () => {
    fc.assert(
      fc.property(rawIntent, (raw) => {
        const intent = fromJson(raw);
        const texts = [
          ...intent.nodes.flatMap(({ source, locator }) => [source, locator.replace(/\/.*/, '')]),
          ...intent.ports.flatMap(({ addresses, prefixes }) => [
            ...addresses,
            ...prefixes.map((p) => p.replace(/\/.*/, '')),
          ]),
          ...intent.paths.flatMap(({ via }) => via),
        ];
        for (const text of texts) expect(ip6addr.parse(text).toString()).toBe(text);
      }),
    );
  });

  it('has all default values', () => {
    const intent = fromJson({
      version: 1,
      sidBlock: 'FD00:5E:0::/32',
      nodes: [{ name: 'hv1', locator: 'fd00:5e:0001::/48' }],
      tenants: [{ name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.1' }] }],
      ports: [
        { name: 'a', tenant: 'red', node: 'hv1', interface: 'tap0', mac: '02:00:00:00:00:0A', addresses: ['10.0.0.2'] },
      ],
    });
    expect(intent).toEqual({
      version: 1,
      sidBlock: 'fd00:5e::/32',
      nodes: [{ name: 'hv1', locator: 'fd00:5e:1::/48', source: 'fd00:5e:1::1' }],
      tenants: [{ name: 'red', id: 1, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.1' }], dscp: 'copy' }],
      ports: [
        {
          ...{ name: 'a', tenant: 'red', node: 'hv1', interface: 'tap0', mac: '02:00:00:00:00:0a' },
          ...{ addresses: ['10.0.0.2'], prefixes: [] },
        },
      ],
      paths: [],
    });
  });

  it('has sorted, merged L4 ports, the default priority, and no false flags', () => {
    const subnets = (n: number) => [{ prefix: `10.${n}.0.0/24`, gateway: `10.${n}.0.1` }];
    const [policy] =
      fromJson({
        version: 1,
        sidBlock: 'fd00:5e::/32',
        nodes: [{ name: 'nn1', locator: 'fd00:5e:1::/48', drain: false }],
        tenants: ['red', 'blue'].map((name, i) => ({ name, id: i + 1, subnets: subnets(i) })),
        ports: [],
        gateways: [{ name: 'gw', nodes: ['nn1'], tenants: ['red', 'blue'] }],
        policies: [
          {
            ...{ name: 'web', from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'tcp', action: 'allow' },
            ...{ ports: ['8000-8100', 443, '80-81', 82, '8100-8200', '7-7'], log: false },
          },
        ],
      }).policies ?? [];
    expect(policy).toEqual({
      ...{ name: 'web', from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'tcp', action: 'allow' },
      ...{ ports: [7, '80-82', 443, '8000-8200'], priority: 1000 },
    });
  });

  it('accepts values at the limits', () => {
    const subnets = [
      // No network or broadcast address in a /31 (RFC 3021), no anycast address in a /127 (RFC 6164).
      { prefix: '192.0.2.0/31', gateway: '192.0.2.1' },
      { prefix: '2001:db8::/127', gateway: '2001:db8::1' },
      // Reserved once, used today.
      { prefix: '240.0.0.0/24', gateway: '240.0.0.1' },
    ];
    const port = { tenant: 'red', node: 'hv1', mac: '02:00:00:00:00:0a' };
    const raw = {
      version: 1,
      sidBlock: 'fd00:5e::/47',
      nodes: [
        { name: 'hv1', locator: 'fd00:5e::/48' },
        { name: 'hv2', locator: 'fd00:5e:1::/48' },
      ],
      tenants: [
        { name: 'red', id: 0xffffff, subnets, mtu: 1280, dscp: 63 },
        { name: 'blue', id: 1, subnets: [{ prefix: '10.0.0.0/24', gateway: '10.0.0.1' }], mtu: 576, dscp: 0 },
      ],
      ports: [
        { ...port, name: 'a', interface: '0123456789abcde', addresses: ['192.0.2.0', '2001:db8::'] },
        // The same MAC in another tenant, the same interface on another node.
        { ...port, name: 'b', tenant: 'blue', node: 'hv2', interface: '0123456789abcde', addresses: ['10.0.0.2'] },
        // Prefixes of one port may lie in each other and in a subnet of the tenant.
        {
          ...{
            ...port,
            name: 'c',
            tenant: 'blue',
            interface: 'tap1',
            mac: '02:00:00:00:00:0c',
            addresses: ['10.0.0.3'],
          },
          prefixes: ['10.0.0.64/26', '10.0.0.64/27', '172.16.0.0/16'],
        },
      ],
      paths: [
        { to: 'hv2', via: Array.from({ length: 8 }, (_, i) => `fd00:5e:1:${i + 1}::`) },
        { to: 'hv2', via: ['fd00:5e:1:9::'], tenants: ['red'] },
        { to: 'hv1', via: ['fd00:5e:1:9::'], tenants: ['red', 'blue'] },
      ],
    };
    expect(fromJson(raw).ports).toHaveLength(3);
    expect(fromJson(raw).paths[2]?.tenants).toEqual(['blue', 'red']);
  });
});
