import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../../src/packet/decode.js';
import { describeHeader } from '../../../src/packet/describe.js';
import { findHeader } from '../../../src/packet/headers.js';

/** Bytes in hexadecimal, with spaces and comments after #. */
function hex(text: string): Buffer {
  return Buffer.from(text.replace(/#.*$/gm, '').replace(/\s/g, ''), 'hex');
}

const ETHERNET6 = '32dee8b6e9d0 d2ee91a70821 86dd';
const SOURCE = 'fd00005e000100000000000000000001';
const SID = 'fd00005e000246000064000000000000';
const TRANSIT = 'fd00005e009200010000000000000000';
const ECHO4 = `
  45b8 001c bdae 4000 3201 7678 0a000001 0a000002  # IPv4, 28 bytes, DF, TTL 50
  0800 f7fd 0001 0001                              # echo request, id 1, sequence 1`;

describe('a reduced SRH in front of IPv4', () => {
  const headers = decodeFrame(
    hex(`${ETHERNET6}
      6b8bdaeb 0044 2b 3f ${SOURCE} ${SID}     # traffic class 0xb8, flow label, 68 bytes, routing, 63 hops
      04 04 04 00 01 00 0000 ${SID} ${TRANSIT} # next IPv4, 40 bytes, type 4, 0 left, last entry 1
      ${ECHO4}
      0000`), // padding, which belongs to nobody
  );

  it('has every field decoded', () => {
    expect(headers).toEqual([
      { layer: 'ethernet', destination: '32:de:e8:b6:e9:d0', source: 'd2:ee:91:a7:08:21', etherType: 0x86dd },
      {
        layer: 'ipv6',
        dscp: 46,
        ecn: 0,
        flowLabel: 0xbdaeb,
        payloadLength: 68,
        nextHeader: 43,
        hopLimit: 63,
        source: 'fd00:5e:1::1',
        destination: 'fd00:5e:2:4600:64::',
      },
      {
        layer: 'srh',
        nextHeader: 4,
        headerExtensionLength: 4,
        routingType: 4,
        segmentsLeft: 0,
        lastEntry: 1,
        flags: 0,
        tag: 0,
        segments: ['fd00:5e:2:4600:64::', 'fd00:5e:92:1::'],
        tlvs: Buffer.alloc(0),
      },
      {
        layer: 'ipv4',
        headerLength: 20,
        dscp: 46,
        ecn: 0,
        totalLength: 28,
        identification: 0xbdae,
        dontFragment: true,
        moreFragments: false,
        fragmentOffset: 0,
        ttl: 50,
        protocol: 1,
        checksum: 0x7678,
        checksumValid: true,
        source: '10.0.0.1',
        destination: '10.0.0.2',
        options: Buffer.alloc(0),
      },
      {
        layer: 'icmp',
        type: 8,
        code: 0,
        checksum: 0xf7fd,
        identifier: 1,
        sequence: 1,
        data: Buffer.alloc(0),
      },
    ]);
  });

  it('has a description for each header', () => {
    expect(headers.map(describeHeader)).toEqual([
      'Ethernet   d2:ee:91:a7:08:21 > 32:de:e8:b6:e9:d0, type 0x86dd',
      'IPv6       fd00:5e:1::1 > fd00:5e:2:4600:64::, next header 43 (routing header), flow label 0xbdaeb, ' +
        'traffic class DSCP 46 ECN 0, hop limit 63, payload 68 bytes',
      'SRH        segments left 0, last entry 1, list [fd00:5e:2:4600:64::, fd00:5e:92:1::], flags 0, tag 0, ' +
        'next header 4 (IPv4)',
      'IPv4       10.0.0.1 > 10.0.0.2, protocol 1 (ICMP), DSCP 46 ECN 0, TTL 50, length 28 bytes, do not fragment',
      'ICMP       echo request, code 0, id 1, sequence 1',
    ]);
  });
});

it('a wrong IPv4 checksum is detected', () => {
  const frame = hex(`ffffffffffff 020000000001 0800 ${ECHO4}`);
  expect(findHeader(decodeFrame(frame), 'ipv4')?.checksumValid).toBe(true);
  frame.writeUInt8(51, 14 + 8);
  expect(findHeader(decodeFrame(frame), 'ipv4')?.checksumValid).toBe(false);
});

it('IPv6 in IPv6 with a neighbour solicitation is decoded', () => {
  const headers = decodeFrame(
    hex(`${ETHERNET6}
      60012345 0040 29 40 ${SOURCE} ${SID}
      60000000 0018 3a ff fd000010000000000000000000000001 ff0200000000000000000001ff00000a
      8700 1234 00000000 fd00001000000000000000000000000a`),
  );
  expect(headers.map(({ layer }) => layer)).toEqual(['ethernet', 'ipv6', 'ipv6', 'icmpv6']);
  expect(findHeader(headers, 'icmpv6')).toMatchObject({ type: 135, code: 0, target: 'fd00:10::a' });
});

it('TCP with its maximum segment size after other options is decoded', () => {
  const headers = decodeFrame(
    hex(`ffffffffffff 020000000001 0800
      4500 0034 0000 4000 4006 0000 0a000001 0a000002
      c000 1451 00000001 00000000 8002 faf0 0000 0000
      01 01 04 02  02 04 058c  01 03 03 07`), // no-ops, SACK permitted, MSS 1420, no-op, window scale
  );
  expect(findHeader(headers, 'tcp')).toMatchObject({
    sourcePort: 49152,
    destinationPort: 5201,
    sequence: 1,
    acknowledgement: 0,
    headerLength: 32,
    flags: 2,
    window: 64240,
    urgentPointer: 0,
    mss: 1420,
  });
});

describe('extension headers', () => {
  const PLAIN6 = `${ETHERNET6} 60000000 0100 xx 40 ${SOURCE} ${SID}`;
  const UDP = '0fa0 0035 0008 0000';

  it.each([
    ['hop-by-hop options', '00', '1100 0104 00000000'],
    ['fragment header', '2c', '1100 0000 00000007'],
    ['authentication header', '33', `1104 0000 00000100 00000001 ${'33'.repeat(12)}`],
    ['destination options', '3c', `1101 0100 ${'00'.repeat(12)}`],
    ['mobility header', '87', '1100 0104 00000000'],
    ['HIP', '8b', '1100 0104 00000000'],
    ['Shim6', '8c', '1100 0104 00000000'],
  ])('are skipped to the next header: %s', (name, number, bytes) => {
    const headers = decodeFrame(hex(PLAIN6.replace('xx', number) + bytes + UDP));
    expect(headers.at(2)).toMatchObject({ layer: 'extension', header: parseInt(number, 16), nextHeader: 17 });
    const words = headers.map(describeHeader);
    expect(words[2]).toBe(`Extension  ${parseInt(number, 16)} (${name}), next header 17 (UDP)`);
    expect(headers.at(3)).toMatchObject({ layer: 'udp', destinationPort: 53 });
  });

  it('are not skipped in IPv4', () => {
    const frame = `ffffffffffff 020000000001 0800 4500 0028 0000 2000 40 33 0000 0a000001 0a000002 1104 0000 ${'00'.repeat(20)}`;
    expect(decodeFrame(hex(frame)).at(-1)).toMatchObject({ layer: 'rest', protocol: 51, reason: 'unknown' });
  });
});

it('ARP is decoded', () => {
  const headers = decodeFrame(
    hex('ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002'),
  );
  expect(headers[1]).toEqual({
    layer: 'arp',
    operation: 1,
    senderMac: '02:00:00:00:00:01',
    senderAddress: '10.0.0.1',
    targetMac: '00:00:00:00:00:00',
    targetAddress: '10.0.0.2',
  });
});

describe('a frame that cannot be fully decoded', () => {
  const full = hex(`${ETHERNET6} 6b8bdaeb 0044 2b 3f ${SOURCE} ${SID} 04040400 01000000 ${SID} ${TRANSIT} ${ECHO4}`);

  it('is never read beyond its end, wherever it is truncated', () => {
    for (let length = 0; length < full.length; length++) {
      const headers = decodeFrame(full.subarray(0, length));
      expect(headers.length, `cut to ${length}`).toBeGreaterThan(0);
      expect(
        headers.every((header) => describeHeader(header) !== ''),
        `cut to ${length}`,
      ).toBe(true);
    }
  });

  it('ends with the reason', () => {
    expect(decodeFrame(full.subarray(0, 60)).at(-1)).toMatchObject({
      layer: 'rest',
      protocol: 43,
      reason: 'truncated',
    });
    const unknown = hex('ffffffffffff 020000000001 0800 4500 0018 0000 2000 40 84 0000 0a000001 0a000002 00000000');
    expect(decodeFrame(unknown).at(-1)).toMatchObject({ layer: 'rest', protocol: 132, reason: 'unknown' });
    const fragment = hex('ffffffffffff 020000000001 0800 4500 0018 0000 0001 40 11 0000 0a000001 0a000002 00000000');
    expect(decodeFrame(fragment).at(-1)).toMatchObject({ layer: 'rest', protocol: 17, reason: 'fragment' });
  });
});
