/** Per-CPU caches of lookup results: they are valid until the agent begins a new cache generation. */
import { describe, expect, it } from 'vitest';
import { nextCacheGeneration } from '../../../src/ebpf/epoch.js';
import { EndpointType } from '../../../src/ebpf/generated/layouts.js';
import { Bench, MACS, SIDS } from './bench.js';
import { encapsulated, ethernet, ip4, ip6 } from './packets.js';

const TO_PORT = { to: MACS.port, from: MACS.vm };
const REMOTE = 'fd00:5e:2::1';
const IN4 = { from: '10.0.0.2', to: '10.0.0.1' } as const;

function macOf(frame: Buffer): string {
  return frame.toString('hex', 0, 6).replace(/..(?!$)/g, '$&:');
}

/** What hangs on which map: the change, and a packet that goes otherwise after it. */
const CHANGES: { what: string; change: (bench: Bench) => void; after: string }[] = [
  {
    what: 'a neighbour',
    change: (bench) => {
      bench.setUnderlay(1, [MACS.secondRouter]);
    },
    after: MACS.secondRouter,
  },
  {
    what: 'a member’s port',
    change: (bench) => {
      bench.addMember('10.0.0.2', EndpointType.EP_LOCAL, 77);
    },
    after: MACS.otherVm,
  },
];

describe.each(CHANGES)('a change of $what', ({ change, after }) => {
  it('takes effect with the next cache generation', () => {
    const bench = new Bench({ before: [] });
    const send = (): string => macOf(bench.send('port_tc', ethernet(ip4(), TO_PORT)).frame);
    nextCacheGeneration(bench.maps.sg_cache_gen);
    const generation = bench.maps.sg_cache_gen.lookup(Buffer.alloc(4));
    expect(send()).toBe(MACS.router);
    change(bench);
    if (generation === undefined) throw new Error('no generation');
    bench.maps.sg_cache_gen.update(Buffer.alloc(4), generation);
    expect(send()).toBe(MACS.router);
    nextCacheGeneration(bench.maps.sg_cache_gen);
    expect(send()).toBe(after);
  });
});

it('a removed port has no valid cache entries', () => {
  const bench = new Bench({ before: [] });
  nextCacheGeneration(bench.maps.sg_cache_gen);
  const sent = ethernet(ip4(), TO_PORT);
  const router = { to: '02:00:00:00:02:02', from: MACS.router };
  const arriving = ethernet(encapsulated(ip4(IN4), [SIDS.dt46], REMOTE), router);
  expect(bench.send('port_tc', sent).verdict).toBe('redirect');
  expect(bench.send('uplink_tc', arriving).verdict).toBe('redirect');
  bench.maps.sg_ports.deleteBatch(Buffer.from(Uint32Array.of(bench.ifindex).buffer));
  nextCacheGeneration(bench.maps.sg_cache_gen);
  expect(bench.send('port_tc', sent).verdict).toBe('next');
  expect(bench.send('uplink_tc', arriving).verdict).toBe('next');
});

it('the cache entry of one port does not allow another port to send', () => {
  const bench = new Bench({ before: [] });
  bench.setPort({ slot: 1 }, 1);
  nextCacheGeneration(bench.maps.sg_cache_gen);
  for (const packet of [ip4(), ip6()]) {
    expect(bench.send('port_tc', ethernet(packet, TO_PORT)).verdict).toBe('redirect');
    expect(bench.send('port_tc', ethernet(packet, TO_PORT), { ifindex: 1 })).toMatchObject({
      verdict: 'drop',
      counted: { 'drop source address': 1 },
    });
  }
});

it('the cache entry of one tenant does not deliver packets for another', () => {
  const bench = new Bench({ before: [] });
  const other = 'fd00:5e:1:4600:65::';
  nextCacheGeneration(bench.maps.sg_cache_gen);
  const arriving = (sid: string): Buffer =>
    ethernet(encapsulated(ip4(IN4), [sid], REMOTE), { to: MACS.uplink, from: MACS.router });
  expect(bench.send('uplink_tc', arriving(SIDS.dt46)).verdict).toBe('redirect');
  expect(bench.send('uplink_tc', arriving(other)).verdict).toBe('next');
});
