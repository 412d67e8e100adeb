import { describe, expect, it } from 'vitest';
import { REASONS } from '../../../src/ebpf/counters.js';
import { timeText } from '../../../src/observe/events/clock.js';
import { Reason } from '../../../src/ebpf/generated/layouts.js';
import { LogRateLimiter } from '../../../src/observe/events/log-rate-limiter.js';
import {
  decisionLine,
  missedDecisions,
  missedEvent,
  missedLine,
  MONITORED,
  packetLine,
  reasonNames,
  reasonsNamed,
} from '../../../src/observe/events/monitor.js';
import { summarise, summaryText } from '../../../src/observe/events/summary.js';
import type { LoggedDecision } from '../../../src/observe/events/policy-log-reader.js';
import type { DecisionEvent, PacketEvent } from '../../../src/observe/events/monitor.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
/** Of the answers the one that says that a packet is lost. */
const UNREACHABLE = 'answer-unreachable';
const ETHERNET4 = '020000000101 020000000001 0800';
const ETHERNET6 = '020000000101 020000000001 86dd';
/** 10.0.0.1 > 10.0.0.2, UDP 4000 > 53, 8 bytes of data. */
const UDP4 = '45000024 00004000 40110000 0a000001 0a000002' + '0fa00035 00100000 0000000000000000';
/** cafe::1 > cafe::2, AH, then TCP 4000 > 22. */
const AH_TCP =
  '60000000 002c3340 cafe0000000000000000000000000001 cafe0000000000000000000000000002' +
  `06040000 00000100 00000001 ${'33'.repeat(12)} 0fa00016 00000001 00000000 50020000 00000000`;
/** cafe::1 > cafe::2, an echo request. */
const ECHO6 =
  '60000000 00083a40 cafe0000000000000000000000000001 cafe0000000000000000000000000002' + '80000000 00010001';
/** fd00:5e:1::1 > fd00:5e:2:4600:64::, IPv4 inside. */
const OUTER = '60012345 00240440 fd00005e000100000000000000000001 fd00005e000246000064000000000000';

describe('the one-line summary of', () => {
  it.each([
    ['UDP', ETHERNET4 + UDP4, '10.0.0.1 > 10.0.0.2 udp 4000 > 53, 36 bytes'],
    ['an ICMPv6 echo request', ETHERNET6 + ECHO6, 'cafe::1 > cafe::2 icmpv6 type 128, 48 bytes'],
    [
      'an encapsulated packet, with the inner packet, the outer source and the SID',
      ETHERNET6 + OUTER + UDP4,
      '10.0.0.1 > 10.0.0.2 udp 4000 > 53, 36 bytes, in fd00:5e:1::1 > fd00:5e:2:4600:64::',
    ],
    ['TCP after AH', ETHERNET6 + AH_TCP, 'cafe::1 > cafe::2 tcp 4000 > 22, 84 bytes'],
    ['another protocol after AH', ETHERNET6 + AH_TCP.replace('06040000', '2f040000'), 'cafe::1 > cafe::2 47, 84 bytes'],
    ['a frame truncated in its L4 ports', (ETHERNET4 + UDP4).slice(0, -24), '10.0.0.1 > 10.0.0.2 udp, 36 bytes'],
    ['a frame truncated in its addresses', (ETHERNET4 + UDP4).slice(0, 60), '0x0800, 1500 bytes'],
    [
      'ARP',
      '020000000101 020000000001 0806 0001080006040001 020000000001 0a000001 000000000000 0a0000fe',
      '10.0.0.1 > 10.0.0.254 arp, 1500 bytes',
    ],
    ['another EtherType', '020000000101 020000000001 88cc 0000', '0x88cc, 1500 bytes'],
    ['an empty frame', '', 'truncated, 1500 bytes'],
  ])('%s', (_what, frame, words) => {
    expect(summaryText(summarise(hex(frame), 1500))).toBe(words);
  });
});

describe('monitor', () => {
  it('shows every drop and punt, and destinations that a node does not have', () => {
    expect(MONITORED.map((number) => REASONS[number]?.verdict)).not.toContain('forward');
    const shown = REASONS.filter(
      ({ verdict, slug }) => verdict === 'drop' || verdict === 'punt' || slug === UNREACHABLE,
    );
    expect(MONITORED).toHaveLength(shown.length);
  });

  it.each(['not ip', 'not-ip', 'NOT_IP', 'punt not ip', 'punt-not-ip'])('accepts the reason %s', (name) => {
    expect(reasonsNamed(name, false).map((number) => REASONS[number])).toEqual([
      { verdict: 'punt', reason: 'not ip', slug: 'punt-not-ip' },
    ]);
  });

  it('accepts a reason of two verdicts, and a verdict alone, but not forwarded', () => {
    expect(reasonsNamed('no room', false).map((number) => REASONS[number]?.verdict)).toEqual(['punt', 'drop']);
    expect(reasonsNamed('drop', false).map((number) => REASONS[number]?.verdict)).toContain('drop');
    expect(new Set(reasonsNamed('drop', false).map((number) => REASONS[number]?.verdict)).size).toBe(1);
    expect(reasonsNamed('forwarded', false)).toEqual([]);
    for (const name of reasonNames()) expect(reasonsNamed(name, false), name).not.toEqual([]);
  });

  it('accepts a slug of one reason, with or without kernel fallback', () => {
    for (const alone of [false, true]) {
      expect(reasonsNamed('punt-no-room', alone).map((number) => REASONS[number]?.slug)).toEqual(['punt-no-room']);
    }
  });

  it.each([0, 5])('shows the VLAN of a tag beside the frame (%i) or in it', (beside) => {
    const frame = hex(ETHERNET4 + UDP4);
    const tagged = Buffer.concat([frame.subarray(0, 12), hex('81000005'), frame.subarray(12)]);
    const summary = summarise(beside === 0 ? tagged : frame, 50, beside);
    expect(summary).toMatchObject({ vlan: 5, from: '10.0.0.1', protocol: 'udp' });
    expect(summaryText(summary)).toBe('10.0.0.1 > 10.0.0.2 udp 4000 > 53, 36 bytes, vlan 5');
  });

  it('counts punts as drops where there is no kernel fallback', () => {
    expect(reasonsNamed('drop', true)).toEqual(MONITORED.filter((number) => REASONS[number]?.slug !== UNREACHABLE));
    expect(reasonsNamed('punt', true)).toEqual([]);
    expect(reasonsNamed('drop not ip', true)).toHaveLength(1);
  });

  it('has columns for usual values, and never cuts longer ones', () => {
    const event: PacketEvent = {
      event: 'packet',
      time: '2026-11-21T08:00:00.000001Z',
      verdict: 'drop',
      reason: 'source address',
      slug: 'drop-source-address',
      program: 'port_tc',
      device: 'tap-a',
      tenant: 'red',
      port: 'red-a',
      peer: null,
      policy: null,
      ...summarise(hex(ETHERNET4 + UDP4), 50),
    };
    expect(packetLine(event)).toBe(
      '08:00:00.000001  drop     source address   red       red-a       10.0.0.1 > 10.0.0.2 udp 4000 > 53, 36 bytes',
    );
    expect(packetLine({ ...event, tenant: null, port: null })).toContain('  -         (tap-a)     10.0.0.1');
    expect(packetLine({ ...event, reason: 'policy', port: null, device: 'eth0', peer: 'blue', policy: 'web' })).toBe(
      '08:00:00.000001  drop     policy           red       (eth0)      10.0.0.1 > 10.0.0.2 udp 4000 > 53, 36 bytes, to blue, policy web',
    );
  });

  it('shows logged decisions, and the number not logged', () => {
    const event: DecisionEvent = {
      ...{
        event: 'decision',
        time: '2026-11-21T08:00:00.000001Z',
        verdict: 'drop',
        reason: 'policy',
        slug: 'drop-policy',
      },
      ...{ policy: 'no-ssh', tenant: 'red', peer: 'external:dc', from: '10.0.0.1', to: 'fd00::2', protocol: 'tcp' },
      ...{ sourcePort: 4000, destinationPort: 22, length: 60 },
    };
    expect(decisionLine(event)).toBe(
      '08:00:00.000001  drop     policy           red       (log)       10.0.0.1 > fd00::2 tcp 4000 > 22, 60 bytes, to external:dc, policy no-ssh',
    );
    const rate = new LogRateLimiter(2);
    const decision = (policy: string | null, suppressed = 0): LoggedDecision => ({
      ...{ time: 0n, reason: Reason.DROP_POLICY, policy, from: 1, to: 2, source: '10.0.0.1', destination: '10.0.0.2' },
      ...{ protocol: 'tcp', sourcePort: 1, destinationPort: 2, length: 60, suppressed },
    });
    expect([1, 2, 3, 4].map(() => rate.admits(decision('a')))).toEqual([true, true, false, false]);
    expect(rate.admits(decision('b', 7))).toBe(true);
    const missed = missedDecisions(rate.take(), '2026-11-21T08:00:00.000001Z', false);
    expect(missedLine(missed)).toBe('suppressed: 2 drop policy a, 7 drop policy');
    expect([rate.take(), rate.admits(decision('a'))]).toEqual([[], true]);
    expect(Array.from({ length: 100 }, () => new LogRateLimiter(0).admits(decision('a'))).every(Boolean)).toBe(true);
  });

  it('shows the numbers of suppressed and lost events', () => {
    const [first = 0] = reasonsNamed('no member', false);
    const event = missedEvent({ suppressed: new Map([[first, 12]]), lost: 3 }, '2026-11-21T08:00:00.000001Z', false);
    expect(event).toEqual({
      event: 'missed',
      time: '2026-11-21T08:00:00.000001Z',
      suppressed: [{ verdict: 'punt', reason: 'no member', slug: 'punt-no-member', packets: 12, policy: null }],
      lost: 3,
    });
    expect(missedLine(event)).toBe('suppressed: 12 punt no member; lost: 3');
    expect(missedLine({ ...event, suppressed: [] })).toBe('lost: 3');
  });
});

it('has times in microseconds', () => {
  expect(timeText(1_763_711_999_000_456_789n)).toBe('2025-11-21T07:59:59.000456Z');
});
