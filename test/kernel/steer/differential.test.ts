/**
 * Random policies, evaluated three times: as written (the first match in order), compiled (decide()), and compiled by
 * the program. All three name the same policy. SEGUE_SEED=n uses another seed.
 */
import { expect, it, onTestFinished } from 'vitest';
import { parsePrefix, prefixContains } from 'netlink-ts/inet';
import { REASONS } from '../../../src/ebpf/counters.js';
import { TraceSession } from '../../../src/ebpf/trace-session.js';
import { decide } from '../../../src/gateway/decide.js';
import { compilePolicySet, policyOrder } from '../../../src/gateway/policy-set.js';
import { NO_SLOT } from '../../../src/gateway/steering-maps.js';
import { portRanges } from '../../../src/gateway/port-ranges.js';
import { IP, ip4, ip6, tcp, udp } from '../fastpath/packets.js';
import { ECHO4, ECHO6, echo } from './icmp.js';
import { arriving, NetworkNode, OTHER, ZONES } from './node.js';
import { PROTOCOL } from './policies.js';
import { randomOf, SEED } from './random.js';
import { traceMapsOf } from './trace-maps.js';
import type { Opening } from '../../../src/gateway/decide.js';
import type { PolicySet } from '../../../src/gateway/policy-set.js';
import type { TraceEvent } from '../../../src/ebpf/trace-session.js';
import type { PolicySetText } from './policies.js';
import type { Random } from './random.js';
import type { Policy } from '../../../src/gateway/types.js';

const SETS = 24;
const PACKETS = 60;
const GRE = 47;
const PROTOCOLS = ['any', 'tcp', 'udp', 'icmp'] as const;
const NAMES = Object.fromEntries(Object.entries(PROTOCOL).map(([name, number]) => [number, name]));

/** An address of a zone's: few of them, so that prefixes have some and not others. */
function addressOf(zone: 'red' | 'blue', family: 4 | 6, random: Random): string {
  const host = random(32);
  if (family === 6) return `cafe:${zone === 'red' ? 'a' : 'b'}::${host.toString(16)}`;
  return `10.${zone === 'red' ? 0 : 1}.0.${host}`;
}

function prefixOf(zone: 'red' | 'blue', random: Random): string {
  const family = random(3) === 0 ? 6 : 4;
  const bits = family === 4 ? 32 : 128;
  const length = bits - random(7);
  const address = parsePrefix(`${addressOf(zone, family, random)}/${bits}`);
  if (!address.ok) throw new Error('no prefix');
  const bytes = Buffer.from(address.prefix.bytes);
  const last = bytes.length - 1;
  bytes.writeUInt8(bytes.readUInt8(last) & (0xff << (bits - length)) & 0xff, last);
  const host = bytes.readUInt8(last);
  return family === 4
    ? `10.${zone === 'red' ? 0 : 1}.0.${host}/${length}`
    : `cafe:${zone === 'red' ? 'a' : 'b'}::${host.toString(16)}/${length}`;
}

function policyOf(name: string, random: Random): Policy {
  const some = (zone: 'red' | 'blue'): { prefixes?: string[] } =>
    random(3) === 0
      ? {}
      : { prefixes: [...new Set(Array.from({ length: 1 + random(3) }, () => prefixOf(zone, random)))] };
  const protocol = PROTOCOLS[random(PROTOCOLS.length)] ?? 'any';
  const first = random(12);
  const ports = { ports: [first, `${first + 2}-${first + 2 + random(4)}`, 20 + random(3)] };
  return {
    name,
    from: { tenant: 'red', ...some('red') },
    to: { tenant: 'blue', ...some('blue') },
    ...{ protocol, action: random(2) === 0 ? ('allow' as const) : ('deny' as const), priority: random(4) },
    ...((protocol === 'tcp' || protocol === 'udp') && random(3) > 0 && ports),
  };
}

/** What the policies say as they are written. */
function written(policies: readonly Policy[], opening: Opening): string | undefined {
  const has = (prefixes: readonly string[] | undefined, address: string): boolean =>
    prefixes?.some((text) => {
      const result = parsePrefix(text);
      return result.ok && prefixContains(result.prefix, address);
    }) ?? true;
  const names: readonly string[] = [
    'any',
    ...(NAMES[opening.protocol === IP.icmp6 ? IP.icmp : opening.protocol] ?? '').split(' '),
  ];
  const isFor = ({ protocol, from, to, ports }: Policy): boolean =>
    names.includes(protocol) &&
    has(from.prefixes, opening.source) &&
    has(to.prefixes, opening.destination) &&
    (ports === undefined ||
      portRanges(ports).some(([first, last]) => {
        const port = opening.destinationPort ?? 0;
        return first <= port && port <= last;
      }));
  return [...policies].sort(policyOrder).find(isFor)?.name;
}

/** As the maps have it; a policy's slot is its place among the names. */
function textOf({ sources, destinations, rules }: PolicySet, names: readonly string[]): PolicySetText {
  return {
    sources: sources.map(({ prefix }) => prefix),
    destinations: destinations.map(({ prefix }) => prefix),
    rules: rules.map(({ source, dest, protocol, ports }) => ({
      ...{ source, dest, protocol: NAMES[protocol] as keyof typeof PROTOCOL },
      ports: ports.map(({ first, policy, allow, rank }) => ({
        ...{ first, rank, action: policy === undefined ? 'none' : allow === true ? 'allow' : 'deny' },
        policy: policy === undefined ? 0 : names.indexOf(policy),
      })),
    })),
  };
}

interface Sent {
  opening: Opening;
  packet: Buffer;
}

function packetOf(index: number, random: Random): Sent {
  const family = random(3) === 0 ? 6 : 4;
  const ends = { from: addressOf('red', family, random), to: addressOf('blue', family, random) };
  const destination = random(26);
  const protocol = [IP.tcp, IP.udp, family === 4 ? IP.icmp : IP.icmp6, GRE][random(4)] ?? IP.tcp;
  const payloads: Readonly<Record<number, Buffer>> = {
    [IP.tcp]: tcp({ source: 1024 + index, destination, flags: 0x02 }),
    [IP.udp]: udp({ source: 1024 + index, destination }),
    [IP.icmp]: echo(ECHO4.request, index),
    [IP.icmp6]: echo(ECHO6.request, index),
  };
  const payload = payloads[protocol] ?? Buffer.alloc(16, index);
  return {
    opening: {
      ...{ source: ends.from, destination: ends.to, protocol },
      ...((protocol === IP.tcp || protocol === IP.udp) && { destinationPort: destination }),
    },
    packet: family === 4 ? ip4({ ...ends, protocol, payload }) : ip6({ ...ends, next: protocol, payload }),
  };
}

it(`three evaluations agree on ${SETS} sets of policies with ${PACKETS} packets each, seed ${SEED}`, () => {
  const random = randomOf(SEED);
  const node = new NetworkNode({ is_hypervisor: false }, 'tc');
  // What is refused here and may be an answer would be handed on to it.
  node.setUp(OTHER, false);
  const seen: TraceEvent[] = [];
  const session = new TraceSession(traceMapsOf(node), { snap: 64, ringBytes: 1 << 16 }, (event) => seen.push(event));
  onTestFinished(() => {
    session.close();
  });
  const decided = { allow: 0, deny: 0, none: 0 };
  for (let set = 0; set < SETS; set++) {
    session.renew();
    const policies = Array.from({ length: 1 + random(8) }, (_, at) => policyOf(`p${at}`, random));
    const names = policies.map(({ name }) => name);
    const compiled = compilePolicySet(policies);
    node.policies.give(ZONES.red.id, ZONES.blue.id, textOf(compiled, names));
    for (let index = 0; index < PACKETS; index++) {
      const { opening, packet } = packetOf(index, random);
      // What was let in before would pass by its connection.
      if (opening.destinationPort === undefined) node.forgetConnections();
      node.send(arriving('red', packet));
      session.consume();
      const [event] = seen.splice(0);
      expect(event, 'one event').toBeDefined();
      const what = `seed ${SEED}, set ${set} ${JSON.stringify(policies)}, packet ${index} ${JSON.stringify(opening)}`;
      const expected = written(policies, opening);
      const decision = decide(compiled, opening);
      expect(decision?.policy, `compiled: ${what}`).toBe(expected);
      const name = event === undefined || event.policy === NO_SLOT ? undefined : names[event.policy];
      expect(name, `program: ${what}`).toBe(expected);
      const { verdict = '', reason = '' } = REASONS[event?.reason ?? -1] ?? {};
      const isRefused = reason === 'policy' || reason === 'no policy match';
      expect({ isRefused, verdict: isRefused ? verdict : 'any' }, `${verdict} ${reason}: ${what}`).toEqual({
        isRefused: decision?.allow !== true,
        verdict: decision?.allow === true ? 'any' : 'drop',
      });
      decided[decision === undefined ? 'none' : decision.allow === true ? 'allow' : 'deny'] += 1;
    }
    node.forgetConnections();
  }
  // All three are drawn often.
  for (const [how, count] of Object.entries(decided)) expect(count, how).toBeGreaterThan(SETS);
});
