/**
 * The frames that bpf/bench/generator.bpf.c makes from flow 0's headers: each flow has its own address and port, and
 * checksums are right.
 */
import { describe, expect, it } from 'vitest';
import { makeFrame } from '../../bench/packets/frame.js';
import { loadGenerator } from '../../bench/packets/programs.js';
import { zipfDraws } from '../../bench/packets/zipf.js';
import type { GeneratorConfiguration } from '../../bench/packets/programs.js';

const OBJECT = new URL('../../build/bpf/bench/generator.o', import.meta.url).pathname;
const FRAME_BYTES = 64;
const IP_AT = 14;

type Family = 4 | 6;

/** Frames as they would leave, one run each. */
function frames(
  family: Family,
  count: number,
  flows: Omit<GeneratorConfiguration, 'ifindex' | 'rate' | keyof ReturnType<typeof makeFrame>>,
): Buffer[] {
  const generator = loadGenerator({ ...makeFrame(family, FRAME_BYTES), ...flows, ifindex: 1, rate: 0 }, OBJECT);
  try {
    return Array.from({ length: count }, () => generator.once(Buffer.alloc(FRAME_BYTES)));
  } finally {
    generator.close();
  }
}

function onesSum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes.readUInt16BE(i);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

const udpAt = (family: Family): number => IP_AT + (family === 4 ? 20 : 40);

function destination(frame: Buffer, family: Family): number {
  return frame.readUInt32BE(udpAt(family) - 4);
}

function sourcePort(frame: Buffer, family: Family): number {
  return frame.readUInt16BE(udpAt(family));
}

function expectChecksums(frame: Buffer, family: Family): void {
  const ip = frame.subarray(IP_AT, udpAt(family));
  const udp = frame.subarray(udpAt(family));
  if (family === 4) expect(onesSum(ip)).toBe(0xffff);
  const pseudo = Buffer.from([0, 17, udp.length >> 8, udp.length & 0xff]);
  expect(onesSum(Buffer.concat([ip.subarray(family === 4 ? 12 : 8), pseudo, udp]))).toBe(0xffff);
}

describe.each([4, 6] as const)('IPv%i', (family) => {
  const first = makeFrame(family, FRAME_BYTES).head;

  it('sequential flows have addresses and ports of their own', () => {
    const made = frames(family, 7, { flows: 3, endpoints: 0, spread: 'sequential' });
    const turns = [0, 1, 2, 0, 1, 2, 0];
    expect(made.map((frame) => destination(frame, family) - destination(first, family))).toEqual(turns);
    expect(made.map((frame) => sourcePort(first, family) - sourcePort(frame, family))).toEqual(turns);
    for (const frame of made) expectChecksums(frame, family);
  });

  it('random flows cover all endpoints, each flow with one endpoint', () => {
    const endpoints = 1_000_000;
    const made = frames(family, 3000, { flows: 100, endpoints, spread: 'uniform' });
    const addressOf = new Map<number, number>();
    for (const frame of made) {
      expectChecksums(frame, family);
      const offset = destination(frame, family) - destination(first, family);
      const port = sourcePort(frame, family);
      expect(offset).toBeLessThan(endpoints);
      expect(addressOf.get(port) ?? offset).toBe(offset);
      addressOf.set(port, offset);
    }
    expect(addressOf.size).toBe(100);
    expect(Math.max(...addressOf.values())).toBeGreaterThan(endpoints * 0.9);
  });

  it('draws are used in order', () => {
    const draws = zipfDraws(50_000);
    const made = frames(family, 200, { flows: 50_000, endpoints: 0, spread: 'drawn', draws });
    expect(made.map((frame) => destination(frame, family) - destination(first, family))).toEqual([
      ...draws.subarray(0, 200),
    ]);
    for (const frame of made) expectChecksums(frame, family);
  });
});
