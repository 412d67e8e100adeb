/** Frames of the packet generator. */
import { describe, expect, it } from 'vitest';
import { HEAD_BYTES, makeFrame, payloadBytes } from '../../../bench/packets/frame.js';

/** One's complement sum of big-endian words; 0xffff over data that holds its right checksum. */
function onesSum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += i + 1 < bytes.length ? bytes.readUInt16BE(i) : bytes.readUInt8(i) << 8;
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** The whole frame of flow 0; of others: test/kernel/bench-generator.test.ts. */
function wholeFrame(family: 4 | 6, bytes: number): Buffer {
  const frame = Buffer.alloc(bytes);
  makeFrame(family, bytes).head.copy(frame);
  return frame;
}

function udpSum(frame: Buffer, family: 4 | 6): number {
  const ip = frame.subarray(14);
  const addresses = family === 4 ? ip.subarray(12, 20) : ip.subarray(8, 40);
  const udp = ip.subarray(family === 4 ? 20 : 40);
  const pseudo = Buffer.from([0, 17, udp.length >> 8, udp.length & 0xff]);
  return onesSum(Buffer.concat([addresses, pseudo, udp]));
}

describe.each([4, 6] as const)('IPv%i', (family) => {
  it.each([64, 512, 1400])('frames of %i bytes have the right lengths and checksums', (bytes) => {
    const frame = wholeFrame(family, bytes);
    const ip = frame.subarray(14);
    expect(family === 4 ? ip.readUInt16BE(2) : ip.readUInt16BE(4) + 40).toBe(bytes - 14);
    expect(payloadBytes(family, bytes)).toBe(bytes - 14 - (family === 4 ? 20 : 40) - 8);
    if (family === 4) expect(onesSum(ip.subarray(0, 20))).toBe(0xffff);
    expect(udpSum(frame, family)).toBe(0xffff);
  });
});

it('a frame smaller than its headers is refused', () => {
  expect(() => makeFrame(4, HEAD_BYTES - 1)).toThrow('frame of 63 bytes: expected at least 64');
});
