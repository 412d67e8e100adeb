import { describe, expect, it } from 'vitest';
import { CaptureWriter } from '../../../src/observe/events/capture.js';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../../../src/packet/pcapng.js';
import { Hook, Reason } from '../../../src/ebpf/generated/layouts.js';
import type { TraceEvent } from '../../../src/ebpf/trace-session.js';

/** Blocks of a section: type, body without the two lengths, which must agree and be a multiple of four. */
function blocks(bytes: Buffer): { type: number; body: Buffer }[] {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at + 4);
    expect(length % 4).toBe(0);
    expect(bytes.readUInt32LE(at + length - 4)).toBe(length);
    found.push({ type: bytes.readUInt32LE(at), body: bytes.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return found;
}

/** Options by their codes. */
function options(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  let at = 0;
  for (; bytes.readUInt16LE(at) !== 0;) {
    const length = bytes.readUInt16LE(at + 2);
    found.set(bytes.readUInt16LE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  expect(bytes.length).toBe(at + 4);
  return found;
}

describe('pcapng blocks', () => {
  it('of a section have the byte-order magic and an unspecified length', () => {
    const [block] = blocks(sectionHeader('segue'));
    expect(block?.type).toBe(0x0a0d0d0a);
    expect(block?.body.toString('hex', 0, 16)).toBe('4d3c2b1a' + '01000000' + 'ffffffffffffffff');
    expect(
      options(block?.body.subarray(16) ?? Buffer.alloc(0))
        .get(4)
        ?.toString(),
    ).toBe('segue');
  });

  it('of an interface have a name, a link type and nanosecond timestamps', () => {
    const [block] = blocks(interfaceDescription('red-a', 'ifindex 7', 9216));
    expect(block?.type).toBe(1);
    expect([block?.body.readUInt16LE(0), block?.body.readUInt32LE(4)]).toEqual([1, 9216]);
    const found = options(block?.body.subarray(8) ?? Buffer.alloc(0));
    expect(found.get(2)?.toString()).toBe('red-a');
    expect(found.get(9)?.toString('hex')).toBe('09');
  });

  it.each([0, 1, 2, 3, 4, 61])('of a packet of %i bytes have padding, and time in two halves', (length) => {
    const bytes = Buffer.alloc(length, 0xee);
    const time = 1_763_711_999_123_456_789n;
    const [block] = blocks(
      enhancedPacket({
        interfaceId: 3,
        time,
        bytes,
        wireLength: 1500,
        direction: 'outbound',
        packetId: 2n ** 40n,
        comment: 'as it leaves',
        verdict: { hook: 'tc', value: -1 },
      }),
    );
    const body = block?.body ?? Buffer.alloc(0);
    expect(block?.type).toBe(6);
    expect(body.readUInt32LE(0)).toBe(3);
    expect((BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8))).toBe(time);
    expect([body.readUInt32LE(12), body.readUInt32LE(16)]).toEqual([length, 1500]);
    expect(body.subarray(20, 20 + length)).toEqual(bytes);
    const found = options(body.subarray(20 + Math.ceil(length / 4) * 4));
    expect(found.get(1)?.toString()).toBe('as it leaves');
    expect(found.get(2)?.readUInt32LE(0)).toBe(2);
    expect(found.get(5)?.readBigUInt64LE(0)).toBe(2n ** 40n);
    expect(found.get(7)?.toString('hex')).toBe('01ffffffffffffffff');
  });
});

describe('CaptureWriter', () => {
  const seen = (change: Partial<TraceEvent>): TraceEvent => ({
    time: 5n,
    reason: Reason.REASON_FORWARDED,
    hook: Hook.HOOK_PORT,
    tenant: 100,
    ifindex: 2,
    egress: 3,
    length: 60,
    captured: 60,
    afterLength: 100,
    afterCaptured: 100,
    segments: 0,
    vlanTci: 0,
    peer: 0,
    policy: 0xffffffff,
    flags: 0,
    endpoint: 0,
    endpointId: 0,
    before: Buffer.alloc(60, 1),
    after: Buffer.alloc(100, 2),
    ...change,
  });
  const names = {
    device: (ifindex: number): string => `eth${ifindex}`,
    tenant: (id: number): string | null => (id === 0 ? null : 'red'),
    alone: false,
  };

  it('describes each interface once, before its first packet', () => {
    const parts: Buffer[] = [];
    const settings = { snap: 80, application: 'test' };
    const writer = new CaptureWriter(
      (bytes) => parts.push(bytes),
      names,
      settings,
      (time) => time,
    );
    writer.add(seen({}));
    writer.add(seen({ reason: Reason.DROP_MALFORMED, egress: 0, after: undefined, tenant: 0 }));
    expect(writer.packets).toBe(2);
    const found = blocks(Buffer.concat(parts));
    expect(found.map(({ type }) => type)).toEqual([0x0a0d0d0a, 1, 6, 1, 6, 6]);
    const packets = found.filter(({ type }) => type === 6).map(({ body }) => body);
    expect(packets.map((body) => [body.readUInt32LE(0), body.readUInt32LE(12), body.readUInt32LE(16)])).toEqual([
      [0, 60, 60],
      [1, 80, 100],
      [0, 60, 60],
    ]);
    const comments = packets.map((body) =>
      options(body.subarray(20 + body.readUInt32LE(12)))
        .get(1)
        ?.toString(),
    );
    expect(comments).toEqual([
      'packet 1 as it arrived: forward (forwarded), tenant red, leaves by eth3',
      'packet 1 as it leaves, tenant red, arrived by eth2',
      'packet 2 as it arrived: drop (malformed)',
    ]);
  });
});
