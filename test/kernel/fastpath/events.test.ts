/**
 * Events of a trace session: the packet as received and as sent, the reason, the port; limits of rate and ring size.
 */
import { onTestFinished, describe, expect, it } from 'vitest';
import { REASONS } from '../../../src/ebpf/counters.js';
import * as layouts from '../../../src/ebpf/generated/layouts.js';
import { MAX_TRACE_SESSIONS, SNAP_MAX, TraceSession, NoTraceSlotError } from '../../../src/ebpf/trace-session.js';
import { Bench, MACS, MTU, SIDS, TENANT } from './bench.js';
import { encapsulated, ethernet, ip4, ip6, tcp, udp, IP } from './packets.js';
import { u32 } from '../libbpf/harness.js';
import type { TraceEvent, WatchFilter } from '../../../src/ebpf/trace-session.js';

const TO_PORT = { to: MACS.port, from: MACS.vm };
const RING_BYTES = 1 << 20;

function watch(
  bench: Bench,
  filter: Partial<WatchFilter> = {},
): { seen: TraceEvent[]; watch: TraceSession; read: () => TraceEvent[] } {
  const seen: TraceEvent[] = [];
  const one = new TraceSession(bench.maps, { snap: SNAP_MAX, ringBytes: RING_BYTES, ...filter }, (event) =>
    seen.push(event),
  );
  onTestFinished(() => {
    one.close();
  });
  const read = (): TraceEvent[] => {
    one.consume();
    return seen.splice(0);
  };
  return { seen, watch: one, read };
}

const reason = (words: string): number => REASONS.findIndex(({ verdict, reason }) => `${verdict} ${reason}` === words);
const named = (events: readonly TraceEvent[]): string[] =>
  events.map(({ reason: number }) => `${REASONS[number]?.verdict ?? ''} ${REASONS[number]?.reason ?? ''}`);
const arriving = (inner: Buffer): Buffer =>
  ethernet(encapsulated(inner, [SIDS.dt46], 'fd00:5e:2::1', 0), { to: MACS.uplink, from: MACS.router });
const IN4 = { from: '10.0.0.2', to: '10.0.0.1' } as const;

describe('a trace session reports', () => {
  it('an encapsulated packet before and after', () => {
    const bench = new Bench();
    const { read } = watch(bench);
    const packet = ethernet(ip4(), TO_PORT);
    const { frame } = bench.send('port_tc', packet);
    const [event, ...rest] = read();
    expect(rest).toEqual([]);
    expect(event).toMatchObject({
      reason: 0,
      hook: layouts.Hook.HOOK_PORT,
      tenant: TENANT,
      ifindex: bench.ifindex,
      egress: 500,
      length: packet.length,
      captured: packet.length,
      afterLength: packet.length + 40,
      afterCaptured: packet.length + 40,
      segments: 0,
    });
    expect(event?.before.toString('hex')).toBe(packet.toString('hex'));
    expect(event?.after?.toString('hex')).toBe(frame.toString('hex'));
  });

  it.each(['uplink_tc', 'uplink_xdp'] as const)('a packet that %s decapsulates before and after', (program) => {
    const bench = new Bench();
    const { read } = watch(bench);
    const packet = arriving(ip4(IN4));
    const { frame } = bench.send(program, packet);
    const [event, ...rest] = read();
    expect(rest).toEqual([]);
    expect(event).toMatchObject({ reason: 0, tenant: TENANT, egress: bench.ifindex, length: packet.length });
    expect(event?.hook).toBe(program === 'uplink_tc' ? layouts.Hook.HOOK_UPLINK : layouts.Hook.HOOK_UPLINK_XDP);
    expect(event?.before.toString('hex')).toBe(packet.toString('hex'));
    expect(event?.after?.toString('hex')).toBe(frame.toString('hex'));
  });

  it('dropped and punted packets as received', () => {
    const bench = new Bench();
    const { read } = watch(bench);
    const punted = ethernet(ip4({ to: '10.0.0.99' }), TO_PORT);
    const dropped = ethernet(ip6({ from: 'cafe::2' }), TO_PORT);
    bench.send('port_tc', punted);
    bench.send('port_tc', dropped);
    bench.send('uplink_tc', arriving(ip4({ ...IN4, length: 100 })));
    const events = read();
    expect(named(events)).toEqual(['punt no member', 'drop source address', 'drop malformed']);
    expect(events.map(({ egress, after, tenant }) => ({ egress, after, tenant }))).toEqual(
      Array(3).fill({ egress: 0, after: undefined, tenant: TENANT }),
    );
    expect(events.map(({ before }) => before.toString('hex')).slice(0, 2)).toEqual(
      [punted, dropped].map((packet) => packet.toString('hex')),
    );
  });

  it('a packet as received that was altered before its drop', () => {
    const bench = new Bench();
    const { read } = watch(bench);
    const packet = ethernet(encapsulated(ip4(IN4), [SIDS.dt46], 'fd00:5e:2::1', 3), {
      to: MACS.uplink,
      from: MACS.router,
    });
    bench.send('uplink_tc', packet);
    bench.send('port_tc', ethernet(ip4({ to: '10.0.0.99' }), TO_PORT));
    const events = read();
    expect(named(events)).toEqual(['drop ecn', 'punt no member']);
    expect(events[0]?.before.toString('hex')).toBe(packet.toString('hex'));
    expect(events[0]?.after).toBeUndefined();
  });

  it('the number of segments of a super-packet', () => {
    const bench = new Bench();
    const { read } = watch(bench);
    const packet = ethernet(ip4({ to: '10.0.0.7', protocol: IP.tcp, payload: tcp({ size: 3000 }) }), TO_PORT);
    bench.send('port_tc', packet, { gsoSize: MTU - 40, gsoSegs: 3 });
    expect(read()).toMatchObject([{ segments: 3, length: packet.length, egress: 77 }]);
  });

  it('as many bytes of a packet as requested', () => {
    const bench = new Bench();
    const { read } = watch(bench, { snap: 60 });
    const packet = ethernet(ip4({ payload: udp({ size: 900 }) }), TO_PORT);
    bench.send('port_tc', packet);
    const [event] = read();
    expect(event).toMatchObject({ length: packet.length, captured: 60, afterCaptured: 60 });
    expect(event?.before.toString('hex')).toBe(packet.toString('hex', 0, 60));
  });
});

describe('a trace session suppresses', () => {
  it('reasons, tenants and interfaces that it did not select', () => {
    const bench = new Bench();
    const only = watch(bench, { reasons: [reason('punt no member')] });
    const stranger = watch(bench, { tenant: TENANT + 1 });
    const uplink = watch(bench, { ifindex: 500 });
    bench.send('port_tc', ethernet(ip4(), TO_PORT));
    bench.send('port_tc', ethernet(ip4({ to: '10.0.0.99' }), TO_PORT));
    bench.send('port_tc', ethernet(ip4({ to: '10.0.0.7' }), TO_PORT));
    expect(named(only.read())).toEqual(['punt no member']);
    expect(stranger.read()).toEqual([]);
    expect(uplink.read()).toMatchObject([{ egress: 500 }]);
  });

  it('and counts events beyond its rate per reason', () => {
    const bench = new Bench();
    const { read, watch: one } = watch(bench, { rate: 5 });
    const send = (to: string, times: number): void => {
      for (let time = 0; time < times; time++) bench.send('port_tc', ethernet(ip4({ to }), TO_PORT));
    };
    send('10.0.0.99', 60);
    send('224.0.0.1', 1);
    const events = named(read());
    const told = events.filter((name) => name === 'punt no member').length;
    expect(events.at(-1)).toBe('punt not routed');
    // Five a second on each CPU the test ran on, and those that were earned meanwhile.
    expect(told).toBeGreaterThanOrEqual(5);
    expect(told).toBeLessThan(60);
    expect(one.missed()).toEqual({ suppressed: new Map([[reason('punt no member'), 60 - told]]), lost: 0 });
  });

  it('and counts events that do not fit into its ring', () => {
    const bench = new Bench();
    const { read, watch: one } = watch(bench, { ringBytes: 4096 });
    for (let time = 0; time < 40; time++)
      bench.send('port_tc', ethernet(ip4({ payload: udp({ size: 500 }) }), TO_PORT));
    const told = read().length;
    expect(told).toBeGreaterThan(0);
    expect(one.missed()).toEqual({ suppressed: new Map(), lost: 40 - told });
  });

  it('all events after its end, as programs stop tracing', () => {
    const bench = new Bench();
    const { watch: one } = watch(bench);
    one.close();
    expect(bench.maps.sg_trace_on.lookup(u32(0))?.readUInt32LE(0)).toBe(0);
    expect(bench.maps.sg_trace_rings.lookup(u32(0))).toBeUndefined();
    bench.send('port_tc', ethernet(ip4(), TO_PORT));
  });
});

describe('slots of trace sessions', () => {
  it('number four', () => {
    const bench = new Bench();
    for (let count = 0; count < MAX_TRACE_SESSIONS; count++) watch(bench);
    expect(() => watch(bench)).toThrow(NoTraceSlotError);
  });

  it('of an abandoned session are freed by the next packet for the next session', () => {
    const bench = new Bench();
    const first = watch(bench);
    const entry = bench.maps.sg_trace_sess.lookup(u32(0)) ?? Buffer.alloc(0);
    entry.writeBigUInt64LE(1n, layouts.TraceSession.OFFSETS.until);
    bench.maps.sg_trace_sess.update(u32(0), entry);
    bench.send('port_tc', ethernet(ip4(), TO_PORT));
    expect(first.read()).toEqual([]);
    expect(bench.maps.sg_trace_on.lookup(u32(0))?.readUInt32LE(0)).toBe(0);
    const second = watch(bench);
    bench.send('port_tc', ethernet(ip4(), TO_PORT));
    expect(second.read()).toHaveLength(1);
    expect(first.watch.renew()).toBe(false);
    first.watch.close();
    bench.send('port_tc', ethernet(ip4(), TO_PORT));
    expect(second.read()).toHaveLength(1);
  });
});
