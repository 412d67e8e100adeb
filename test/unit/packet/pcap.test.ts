import { describe, expect, it } from 'vitest';
import { parsePcap } from '../../../src/packet/pcap.js';

/** pcap-savefile(5): a file header and one record of 4 bytes, in either byte order and resolution. */
function file(magic: number, little: boolean, linkType = 1): Buffer {
  const words = [magic, 0, 0, 0, 262_144, linkType, 100, 250_000, 4, 1514];
  const buffer = Buffer.alloc(words.length * 4);
  words.forEach((word, index) =>
    little ? buffer.writeUInt32LE(word, index * 4) : buffer.writeUInt32BE(word, index * 4),
  );
  return Buffer.concat([buffer, Buffer.from([1, 2, 3, 4])]);
}

describe('a capture file', () => {
  it.each([
    ['microseconds, little endian', 0xa1b2c3d4, true, 100.25],
    ['microseconds, big endian', 0xa1b2c3d4, false, 100.25],
    ['nanoseconds, little endian', 0xa1b23c4d, true, 100.00025],
    ['nanoseconds, big endian', 0xa1b23c4d, false, 100.00025],
  ])('is read in %s', (_name, magic, little, time) => {
    expect(parsePcap(file(magic, little))).toEqual([{ time, wireLength: 1514, bytes: Buffer.from([1, 2, 3, 4]) }]);
  });

  it('without a complete last record lacks that record', () => {
    expect(parsePcap(file(0xa1b2c3d4, true).subarray(0, -1))).toEqual([]);
  });

  it('of another format is refused', () => {
    expect(() => parsePcap(file(0x0a0d0d0a, true))).toThrow('0xa0d0d0a: expected a pcap magic number');
    expect(() => parsePcap(file(0xa1b2c3d4, true, 113))).toThrow('link type 113: expected 1 (Ethernet)');
    expect(() => parsePcap(Buffer.alloc(3))).toThrow('capture of 3 bytes: expected a file header');
  });
});
