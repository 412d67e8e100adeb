/**
 * A compiled set gives the same decisions as its policies read in order. The look-up is that of bpf/state/policy.h,
 * step by step.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decidingPorts } from '../../../src/gateway/port-precedence.js';
import { compilePolicySet, policyOrder } from '../../../src/gateway/policy-set.js';
import { formatRanges, portRanges } from '../../../src/gateway/port-ranges.js';
import { hostPrefix, prefixContains } from 'netlink-ts/inet';
import type { ClassPrefix, PolicyBoundary, PolicySet } from '../../../src/gateway/policy-set.js';
import type { PortRange } from '../../../src/gateway/port-ranges.js';
import type { Policy } from '../../../src/gateway/types.js';

interface Opening {
  source: string;
  dest: string;
  /** Number on the wire. */
  protocol: number;
  port: number;
}

const lengthOf = (prefix: string): number => Number(prefix.split('/')[1]);

function classOf(classes: readonly ClassPrefix[], address: string): number {
  const having = classes.filter(({ prefix }) => prefixContains(prefix, address));
  return having.sort((a, b) => lengthOf(b.prefix) - lengthOf(a.prefix))[0]?.id ?? 0;
}

/** As ask_set() does. */
function ask(set: PolicySet, { source, dest, protocol, port }: Opening): PolicyBoundary | undefined {
  const kind = protocol === 58 ? 1 : protocol;
  const known = [1, 6, 17].includes(kind) ? kind : 0;
  const l4Port = known === 6 || known === 17 ? port : 0;
  const sourceClass = classOf(set.sources, source);
  const destClass = classOf(set.destinations, dest);
  const found = [
    [0, 0],
    [sourceClass, 0],
    [0, destClass],
    [sourceClass, destClass],
  ].flatMap(([a, b]) => {
    const rule = set.rules.find((one) => one.source === a && one.dest === b && one.protocol === known);
    const boundary = rule?.ports.findLast(({ first }) => first <= l4Port);
    return boundary?.policy === undefined ? [] : [boundary];
  });
  return found.sort((a, b) => a.rank - b.rank)[0];
}

const NUMBERS = { tcp: [6], udp: [17], icmp: [1, 58], any: [1, 6, 17, 47, 58] };

/** As the documentation says it. */
function decide(policies: readonly Policy[], { source, dest, protocol, port }: Opening): Policy | undefined {
  return [...policies].sort(policyOrder).find((policy) => {
    const isIn = (prefixes: readonly string[] | undefined, address: string): boolean =>
      prefixes?.some((prefix) => prefixContains(prefix, hostPrefix(address))) ?? true;
    if (!NUMBERS[policy.protocol].includes(protocol)) return false;
    if (policy.ports && !portRanges(policy.ports).some(([first, last]) => first <= port && port <= last)) return false;
    return isIn(policy.from.prefixes, source) && isIn(policy.to.prefixes, dest);
  });
}

const octet = fc.nat({ max: 3 });
const prefix4 = fc
  .tuple(fc.constantFrom(24, 30, 31, 32), octet)
  .map(([length, host]) => `10.0.0.${host & ~((1 << (32 - length)) - 1)}/${length}`);
const prefix6 = fc.tuple(fc.constantFrom(64, 126, 127, 128), octet).map(([length, host]) => {
  const masked = host & ~((1 << Math.min(128 - length, 8)) - 1);
  return `fd00::${masked === 0 ? '' : masked}/${length}`;
});
const prefixes = fc.option(
  fc.uniqueArray(fc.oneof(prefix4, prefix6), { minLength: 1, maxLength: 3 }).map((list) => list.sort()),
  { nil: undefined },
);
const port = fc.constantFrom(0, 1, 2, 3, 79, 80, 81, 65534, 65535);
const range = fc.tuple(port, port).map(([a, b]): PortRange => [Math.min(a, b), Math.max(a, b)]);
const policy = fc
  .record({
    name: fc.stringMatching(/^[a-f]{1,3}$/),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'icmp' as const, 'any' as const),
    ports: fc.option(fc.array(range, { minLength: 1, maxLength: 3 }), { nil: undefined }),
    from: prefixes,
    to: prefixes,
    action: fc.constantFrom('allow' as const, 'deny' as const),
    log: fc.boolean(),
    priority: fc.nat({ max: 2 }),
  })
  .map(({ ports, from, to, log, protocol, ...rest }): Policy => {
    const hasPorts = protocol === 'tcp' || protocol === 'udp';
    return {
      ...rest,
      protocol,
      from: { tenant: 'red', ...(from && { prefixes: from }) },
      to: { tenant: 'blue', ...(to && { prefixes: to }) },
      ...(ports && hasPorts && { ports: formatRanges(ports) }),
      ...(log && { log }),
    };
  });
const policies = fc.uniqueArray(policy, { selector: ({ name }) => name, maxLength: 8 });
const address = fc.oneof(
  octet.map((host) => `10.0.0.${host}`),
  fc.constant('10.0.1.1'),
  octet.map((host) => (host === 0 ? 'fd00::' : `fd00::${host}`)),
);
const opening = fc
  .record({ source: address, dest: address, protocol: fc.constantFrom(1, 6, 17, 47, 58), port })
  .filter(({ source, dest }) => source.includes(':') === dest.includes(':'));

describe('compilePolicySet', { timeout: 300_000 }, () => {
  it('gives the same decisions as its policies in order', () => {
    let matched = 0;
    fc.assert(
      fc.property(policies, fc.array(opening, { minLength: 20, maxLength: 20 }), (list, openings) => {
        const set = compilePolicySet(list);
        for (const one of openings) {
          const expected = decide(list, one);
          const found = ask(set, one);
          expect(found?.policy).toBe(expected?.name);
          if (expected === undefined) continue;
          matched += 1;
          expect([found?.allow, found?.log]).toEqual([expected.action === 'allow' || undefined, expected.log]);
        }
      }),
      { numRuns: 500 },
    );
    expect(matched).toBeGreaterThan(500);
  });

  it('does not depend on the order of its policies', () => {
    fc.assert(
      fc.property(policies, (list) => {
        expect(compilePolicySet([...list].reverse())).toEqual(compilePolicySet(list));
      }),
    );
  });

  it('has ascending boundaries from L4 port 0, each different from the one before', () => {
    fc.assert(
      fc.property(policies, (list) => {
        for (const { ports, protocol } of compilePolicySet(list).rules) {
          expect(ports[0]?.first).toBe(0);
          if (protocol === 0 || protocol === 1) expect(ports).toHaveLength(1);
          for (const [index, boundary] of ports.slice(1).entries()) {
            const { first, ...before } = ports[index] ?? { first: -1 };
            expect(boundary.first).toBeGreaterThan(first);
            expect(boundary).not.toEqual({ first: boundary.first, ...before });
          }
        }
      }),
    );
  });

  it('compiles ten thousand policies of one pair in one pass', () => {
    const many = Array.from({ length: 10_000 }, (_, index): Policy => ({
      ...{ name: `p${index}`, from: { tenant: 'red' }, to: { tenant: 'blue' }, protocol: 'tcp', action: 'allow' },
      ports: [index * 6],
      priority: 1000,
    }));
    const [rule, ...others] = compilePolicySet(many).rules;
    expect(others).toEqual([]);
    expect(rule?.ports).toHaveLength(20_000);
  });
});

describe('decidingPorts', () => {
  it('assigns each L4 port to the first list that contains it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.array(range, { maxLength: 4 }), { nil: undefined }), { maxLength: 6 }),
        (lists) => {
          const runs = decidingPorts(lists);
          for (const asked of [0, 1, 2, 3, 4, 78, 79, 80, 81, 82, 65533, 65534, 65535]) {
            const index = lists.findIndex(
              (list) => list?.some(([first, last]) => first <= asked && asked <= last) ?? true,
            );
            expect(runs.findLast(({ first }) => first <= asked)?.index).toBe(index < 0 ? undefined : index);
          }
        },
      ),
    );
  });
});
