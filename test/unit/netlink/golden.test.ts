/**
 * Our requests equal those of iproute2. golden.json holds ip's own bytes (golden/capture.sh makes it); the order of
 * attributes within a message may differ, and everything else must be equal byte for byte.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { NLM_F_ACK } from '../../../src/netlink/constants.js';
import { MessageWriter } from '../../../src/netlink/writer.js';
import { goldenRequests } from './golden-requests.js';

interface Golden {
  iproute2: string;
  cases: { name: string; command: string; messages: string[] }[];
}

const golden = JSON.parse(readFileSync(new URL('golden/golden.json', import.meta.url), 'utf8')) as Golden;

/** Bytes of the fixed header behind nlmsghdr: ifinfomsg, ifaddrmsg, rtmsg… by message type / 4. */
const HEADER_BYTES: Record<number, number> = { 4: 16, 5: 8, 6: 12, 7: 12, 8: 12, 26: 8, 27: 16 };
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTA_DST = 1;

interface Message {
  type: number;
  flags: number;
  header: string;
  attributes: string[];
}

function parse(bytes: Buffer): Message {
  const type = bytes.readUInt16LE(4);
  const headerBytes = HEADER_BYTES[type >> 2] ?? 4;
  const attributes: { type: number; text: string }[] = [];
  let at = 16 + headerBytes;
  while (at + 4 <= bytes.length) {
    const size = bytes.readUInt16LE(at);
    // iproute2 leaves the padding behind the last attribute of a message out.
    attributes.push({ type: bytes.readUInt16LE(at + 2), text: bytes.toString('hex', at, at + size) });
    at += (size + 3) & ~3;
  }
  const isRoute = type >= RTM_NEWROUTE && type <= RTM_GETROUTE;
  return {
    type,
    flags: bytes.readUInt16LE(6) & ~NLM_F_ACK,
    header: bytes.toString('hex', 16, 16 + headerBytes),
    // `ip -6 route … default` sends the destination ::/0 in full, `ip route … default` does not; the kernel reads neither.
    attributes: attributes
      .filter((attribute) => !(isRoute && attribute.type === RTA_DST && bytes[17] === 0))
      .map(({ text }) => text)
      .sort(),
  };
}

function encode(name: string): Buffer {
  const request = goldenRequests[name];
  if (!request) throw new Error(`golden case ${name}: expected a request in golden-requests.ts`);
  const writer = new MessageWriter();
  request.encode(writer);
  return Buffer.from(writer.written());
}

describe(`iproute2 ${golden.iproute2}`, () => {
  test.each(golden.cases)('$name: $command', ({ name, messages }) => {
    const ours = parse(encode(name));
    // ip asks for devices and families first; its last message of our type is the one that was meant.
    const theirs = messages.map((hex) => parse(Buffer.from(hex, 'hex'))).filter(({ type }) => type === ours.type);
    expect(ours).toEqual(theirs.at(-1));
  });

  test('has golden bytes for every request here', () => {
    expect(Object.keys(goldenRequests).sort()).toEqual(golden.cases.map(({ name }) => name).sort());
  });
});
