/** Fast paths for a million ports give the same results as the slow ones. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Seen } from '../../../src/intent/check/hash-set.js';
import { INTENT_MODEL } from '../../../src/app/features.js';
import { parseIntent } from '../../../src/app/intent.js';
import { rawIntent } from './arbitrary.js';
import { pathStructure } from '../../../src/encap/path.js';

const key = fc.constantFrom(
  'name',
  'tenant',
  'node',
  'interface',
  'mac',
  'addresses',
  'prefixes',
  'to',
  'via',
  '__proto__',
  'x',
);
const value = fc.oneof(
  fc.constantFrom<unknown>('text', '', 1, null, undefined, true, [], ['a'], ['a', 1], [['a']], { name: 'a' }, {}),
  fc.array(fc.string()),
);
const mutated = rawIntent
  .filter(({ ports }) => ports.length > 0)
  .chain(({ ports, nodes, tenants, paths = [] }) => {
    const entity = fc.constantFrom<object>(...ports, ...nodes, ...paths, ...tenants);
    return fc
      .tuple(entity, fc.option(fc.tuple(key, value), { freq: 2 }), fc.option(key, { freq: 2 }))
      .map(([map, put, drop]) => {
        const copy = JSON.parse(JSON.stringify(map)) as Record<string, unknown>;
        if (drop !== null) Reflect.deleteProperty(copy, drop);
        if (put !== null) Object.defineProperty(copy, put[0], { value: put[1], enumerable: true, configurable: true });
        return copy;
      });
  });

const { node, port: portStructure, tenant } = INTENT_MODEL.structures;

describe('fast validation', { timeout: 300_000 }, () => {
  it('accepts nothing that the schema refuses or changes', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(mutated, value), (candidate) => {
        for (const structure of [portStructure, node, tenant, pathStructure]) {
          if (!structure.fits(candidate)) continue;
          taken++;
          const result = structure.schema.safeParse(candidate);
          expect(result.success).toBe(true);
          expect(result.data).toEqual(candidate);
        }
      }),
      { numRuns: 1000 },
    );
    expect(taken).toBeGreaterThan(50);
  });

  it('accepts every valid port', () => {
    fc.assert(
      fc.property(rawIntent, ({ ports }) => {
        for (const port of ports) expect(portStructure.fits(port)).toBe(true);
      }),
    );
  });
});

describe('Seen', { timeout: 300_000 }, () => {
  it('has no false negatives, and few false positives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 3 }), fc.string({ maxLength: 3 })), { maxLength: 3000 }),
        (values) => {
          const seen = new Seen(0);
          const exact = new Set<string>();
          for (const [seed, text] of values) {
            expect(seen.note(seed, text)).toBe(exact.has(`${seed} ${text}`));
            exact.add(`${seed} ${text}`);
          }
        },
      ),
    );
  });

  it('distinguishes a million similar texts', () => {
    const seen = new Seen(10);
    let wrong = 0;
    for (let i = 0; i < 1_000_000; i++) if (seen.note(i & 7, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)) wrong++;
    expect(wrong).toBe(0);
  });
});

describe('a large file', { timeout: 300_000 }, () => {
  const PORTS = 5000;
  const port = (i: number) => ({
    ...{ name: `p${i}`, tenant: `t${i % 16}`, node: `hv${i % 100}`, interface: `tap${i}` },
    mac: `02:00:00:${[16, 8, 0].map((shift) => ((i >> shift) & 255).toString(16).padStart(2, '0')).join(':')}`,
    addresses: [`10.1.${i >> 8}.${i & 255}`, `fd00:10::${(i + 2).toString(16)}`],
  });
  const raw = (ports: unknown[]) => ({
    ...{ version: 1, sidBlock: 'fd00:5e::/32' },
    nodes: Array.from({ length: 100 }, (_, i) => ({ name: `hv${i}`, locator: `fd00:5e:${(i + 1).toString(16)}::/48` })),
    tenants: Array.from({ length: 16 }, (_, i) => ({
      ...{ name: `t${i}`, id: i + 1 },
      subnets: [
        { prefix: '10.0.0.0/8', gateway: '10.0.0.1' },
        { prefix: 'fd00:10::/64', gateway: 'fd00:10::1' },
      ],
    })),
    ports,
  });
  const messages = (ports: unknown[]): string[] => {
    try {
      parseIntent(JSON.stringify(raw(ports)), { file: 'x.json' });
      return [];
    } catch (error) {
      return (error as Error).message.split('\n').map((line) => line.replace(/^x\.json:\d+:\d+: /, ''));
    }
  };
  const ports = Array.from({ length: PORTS }, (_, i) => port(i));

  it('is accepted', () => {
    expect(messages(ports)).toEqual([]);
  });

  it('is refused for its only duplicate value, with the first owner in the message', () => {
    const last = { ...port(PORTS), tenant: 't7', node: 'hv3' };
    const first = port(7);
    expect(messages([...ports, { ...last, name: 'p7' }])).toEqual([
      `ports[${PORTS}].name: "p7": expected a name no other port has; ports[7] has it`,
    ]);
    expect(messages([...ports, { ...last, node: 'hv7', interface: 'tap7' }])).toEqual([
      `ports[${PORTS}].interface: "tap7": expected an interface no other port of node hv7 has; ports[7] (p7) has it`,
    ]);
    expect(messages([...ports, { ...last, mac: first.mac }])).toEqual([
      `ports[${PORTS}].mac: "02:00:00:00:00:07": expected a MAC address no other port of tenant t7 has; ports[7] (p7) has it`,
    ]);
    expect(messages([...ports, { ...last, addresses: ['10.255.0.1', 'FD00:10::0:9'] }])).toEqual([
      `ports[${PORTS}].addresses[1]: "FD00:10::0:9": expected an address given once in tenant t7; ports[7] (p7) has it`,
    ]);
    expect(messages([...ports, { ...last, prefixes: ['10.1.0.0/29'] }])).toEqual([
      `ports[${PORTS}].prefixes[0]: "10.1.0.0/29": expected a prefix that contains no address of another port; 10.1.0.7 is an address of ports[7] (p7)`,
    ]);
  });
});
