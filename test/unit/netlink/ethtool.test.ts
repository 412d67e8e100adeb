/**
 * Features of devices: our requests equal those of ethtool 6.1, except that ethtool names the device and we give its
 * number.
 */
import { expect, it } from 'vitest';
import { decodeFeatures, getFeaturesRequest, setFeaturesRequest } from '../../../src/netlink/ethtool.js';
import { viewMessage } from '../../../src/netlink/reader.js';
import { MessageWriter } from '../../../src/netlink/writer.js';
import type { NetlinkRequest } from '../../../src/netlink/request.js';

/** Of the machine that the bytes are from. */
const FAMILY = 21;
const V0 = 10;
/** Both behind nlmsghdr and genlmsghdr. */
const BODY = 20;

/** `ethtool -k v0` and `ethtool -K v0 rx-vlan-hw-parse off`, written down by LD_PRELOAD as golden/capture.c does it, for sendto. */
const GET = '280000001500050000000000000000000b0100001400018007000200763000000800030001000000';
const SET =
  '4c0000001500050000000000000000000c010000140001800700020076300000080003000100000024000380200003801c0001801500020072782d766c616e2d68772d7061727365' +
  '00722d67';

const bytesOf = (request: NetlinkRequest): Buffer => {
  const writer = new MessageWriter();
  request.encode(writer);
  return Buffer.from(writer.written());
};

/** Attributes of a message, by type; ethtool leaves in the padding what was there. */
function attributes(bytes: Buffer): Map<number, string> {
  const found = new Map<number, string>();
  for (let at = BODY; at + 4 <= bytes.length; at += (bytes.readUInt16LE(at) + 3) & ~3) {
    const size = bytes.readUInt16LE(at);
    found.set(bytes.readUInt16LE(at + 2), bytes.toString('hex', at + 4, at + size));
  }
  return found;
}

it("a query equals ethtool's", () => {
  const [ours, theirs] = [bytesOf(getFeaturesRequest(FAMILY, V0)), Buffer.from(GET, 'hex')];
  expect(ours.toString('hex', 4, 6)).toBe(theirs.toString('hex', 4, 6));
  expect(ours.toString('hex', 16, BODY)).toBe(theirs.toString('hex', 16, BODY));
  // ETHTOOL_A_HEADER_DEV_INDEX
  expect([...attributes(ours)]).toEqual([[0x8001, '080001000a000000']]);
});

it("a change equals ethtool's", () => {
  const ours = bytesOf(setFeaturesRequest(FAMILY, V0, { 'rx-vlan-hw-parse': false }));
  const theirs = Buffer.from(SET, 'hex');
  expect(ours.toString('hex', 16, BODY)).toBe(theirs.toString('hex', 16, BODY));
  const wanted = (bytes: Buffer): string =>
    attributes(bytes)
      .get(0x8003)
      ?.replace(/(00|722d67)*$/, '') ?? '';
  expect(wanted(ours)).toBe(wanted(theirs));
  expect(wanted(theirs)).toContain(Buffer.from('rx-vlan-hw-parse').toString('hex'));
});

it('a feature that is switched on has a value flag in its bit', () => {
  const off = bytesOf(setFeaturesRequest(FAMILY, V0, { gro: false }));
  const on = bytesOf(setFeaturesRequest(FAMILY, V0, { gro: true }));
  // ETHTOOL_A_BITSET_BIT_VALUE
  expect(on.toString('hex')).toContain('04000300');
  expect(on.length).toBe(off.length + 4);
});

it('an answer shows the features that are on, and those that can change', () => {
  const writer = new MessageWriter();
  // With a mask all bits are there, and some have a value.
  const set = (type: number, names: readonly string[], unset?: readonly string[]): void => {
    const attribute = writer.nest(type);
    if (unset === undefined) writer.flag(1);
    writer.u32(2, 64);
    const bits = writer.nest(3);
    for (const [index, name] of [...names, ...(unset ?? [])].entries()) {
      const bit = writer.nest(1);
      writer.u32(1, index);
      writer.string(2, name);
      if (unset?.includes(name) === false) writer.flag(3);
      writer.endNest(bit);
    }
    writer.endNest(bits);
    writer.endNest(attribute);
  };
  writer.begin(FAMILY, 0);
  writer.bytes4(11, 1, 0, 0);
  const header = writer.nest(1);
  writer.u32(1, V0);
  writer.string(2, 'v0');
  writer.endNest(header);
  set(2, ['a', 'b', 'c'], ['d', 'e']);
  set(3, ['a']);
  set(4, ['a', 'd']);
  set(5, ['c']);
  writer.end();
  expect(decodeFeatures(viewMessage(writer.written()))).toEqual({
    ifindex: V0,
    active: new Set(['a', 'd']),
    changeable: new Set(['a', 'b']),
  });
});
