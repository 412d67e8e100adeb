/**
 * Packets that a VM may send to the port's DHCP programs: each gets a valid reply for this VM, or is dropped and
 * counted.
 */
import { describe, expect, it } from 'vitest';
import { encodeLease4 } from '../../../src/dhcp/dhcpv4.js';
import { encodeLease6 } from '../../../src/dhcp/dhcpv6.js';
import { encodeBoot } from '../../../src/dhcp/boot.js';
import { randomFrom } from '../../../bench/lib/workload.js';
import { Bench } from '../fastpath/bench.js';
import { bytesOf } from '../fastpath/packets.js';
import { u32 } from '../libbpf/harness.js';
import * as requests from './requests.js';
import type { Sent } from '../fastpath/bench.js';

const { COOKIE, dhcp4, dhcp6, END, ia, LINK_LOCAL, option, option6, TYPE, TYPE6, VM_MAC, CLIENT_ID } = requests;

const ADDRESS = '10.0.0.1';
const SERVER = '10.0.0.254';
const OTHER_MAC = '02:00:00:00:00:77';
const ADDRESSES6 = ['cafe::1', 'cafe::11'];
/** Requests of each family that the fuzzer makes: SEGUE_FUZZ more by hand. */
const COUNT = Number(process.env.SEGUE_FUZZ ?? 20_000);
const SEED = Number(process.env.SEGUE_SEED ?? 1);

function bench(): Bench {
  const one = new Bench();
  const lease4 = encodeLease4({
    ...{ mac: VM_MAC, address: ADDRESS, prefixLength: 24, server: SERVER, seconds: 3600, mtu: 1460 },
    ...{ dns: [SERVER], domain: 'red.example', search: ['red.example'], hostname: 'red-a' },
    routes: [{ to: '0.0.0.0/0', via: SERVER }],
  });
  const lease6 = encodeLease6({
    ...{ serverMac: '02:00:00:00:01:01', addresses: ADDRESSES6, prefixes: ['cafe:0:1::/64'], seconds: 3600 },
    dns: ['cafe::254'],
  });
  one.maps.sg_dhcp4.update(u32(one.ifindex), lease4);
  one.maps.sg_boot.update(
    u32(one.ifindex),
    encodeBoot({ server: SERVER, bios: 'undionly.kpxe', uefi: 'ipxe.efi', prefixLength: 24 }),
  );
  one.maps.sg_dhcp6.update(u32(one.ifindex), lease6);
  return one;
}

/** One program alone, as the port's program calls it. */
function send4(frame: Buffer): Sent {
  return bench().send('dhcp4_tc', frame);
}

const discover = [option(53, TYPE.discover), END];
const requestOf = (address: string, ...more: Buffer[]): Buffer[] => [
  option(53, TYPE.request),
  option(50, address),
  ...more,
  END,
];

describe('DHCPv4', () => {
  it('offers the port’s address, acknowledges it, and refuses another', () => {
    const offer = requests.readReply4(send4(dhcp4({ options: discover })).frame);
    expect([offer.type, offer.yiaddr]).toEqual([TYPE.offer, bytesOf(ADDRESS)]);
    const own = send4(dhcp4({ options: requestOf(ADDRESS, option(54, SERVER)) }));
    expect(own.verdict).toBe('redirect');
    expect(requests.readReply4(own.frame).type).toBe(TYPE.ack);
    const other = send4(dhcp4({ options: requestOf('10.0.0.66') }));
    const nak = requests.readReply4(other.frame);
    expect([nak.type, nak.yiaddr, [...nak.options.keys()].sort()]).toEqual([TYPE.nak, bytesOf('0.0.0.0'), [53, 54]]);
  });

  it('answers INFORM without address and times, and returns the client identifier', () => {
    const id = option(61, 1, Buffer.from('020000000001', 'hex'));
    const sent = send4(dhcp4({ ciaddr: ADDRESS, options: [option(53, TYPE.inform), id, END] }, { from: ADDRESS }));
    const { type, yiaddr, options } = requests.readReply4(sent.frame);
    expect([type, yiaddr]).toEqual([TYPE.ack, bytesOf('0.0.0.0')]);
    for (const code of [51, 58, 59]) expect(options.has(code)).toBe(false);
    expect(options.get(61)).toEqual(id.subarray(2));
  });

  const silent: Record<string, Buffer> = {
    'a relay': dhcp4({ giaddr: '10.0.0.9' }),
    'another client’s hardware address': dhcp4({ chaddr: OTHER_MAC }),
    'a hardware address of 16 bytes': dhcp4({ hlen: 16 }),
    'a hardware address of no bytes': dhcp4({ hlen: 0 }),
    'a hardware type that is not Ethernet': dhcp4({ htype: 6 }),
    'a reply': dhcp4({ op: 2 }),
    'a request for another server’s offer': dhcp4({ options: requestOf(ADDRESS, option(54, '10.0.0.99')) }),
    'a source address of another VM': dhcp4({ options: discover }, { from: '10.0.0.7' }),
    'an unknown message type': dhcp4({ options: [option(53, 99), END] }),
    'no message type': dhcp4({ options: [END] }),
    'a message type of two bytes': dhcp4({ options: [option(53, 1, 1), END] }),
    'another cookie (BOOTP)': dhcp4({ cookie: Buffer.alloc(4) }),
    'an option beyond the end': dhcp4({ options: [option(53, TYPE.discover), Buffer.of(61, 200, 1, 2)] }),
    'an option without its length': dhcp4({ options: [option(53, TYPE.discover), Buffer.of(61)] }),
    'more options than are read': dhcp4({
      options: [...Array.from({ length: 200 }, () => option(12, 65)), option(53, TYPE.discover), END],
    }),
    'a first fragment': dhcp4({ options: discover }, { fragment: 0x2000 }),
    'a later fragment': dhcp4({ options: discover }, { fragment: 0x0010 }),
    'a UDP length beyond the packet': dhcp4({ options: discover }, { udpLength: 2000 }),
    'a UDP length before the options': dhcp4({ options: discover }, { udpLength: 8 + 240 }),
    'a REQUEST without an address': dhcp4({ options: [option(53, TYPE.request), END] }),
    'an INFORM of an address that is not its own': dhcp4({
      ciaddr: '10.0.0.9',
      options: [option(53, TYPE.inform), END],
    }),
  };
  it.each(Object.entries(silent))('does not reply to %s', (_, frame) => {
    const { verdict, counted } = send4(frame);
    expect({ verdict, counted }).toEqual({ verdict: 'drop', counted: { 'drop dhcp': 1 } });
  });

  it('drops frames of another MAC address, RELEASE and DECLINE, each with its reason', () => {
    expect(send4(dhcp4({ options: discover }, { mac: OTHER_MAC })).counted).toEqual({ 'drop source mac': 1 });
    for (const type of [TYPE.release, TYPE.decline]) {
      const sent = send4(dhcp4({ ciaddr: ADDRESS, options: [option(53, type), END] }, { from: ADDRESS }));
      expect(sent).toMatchObject({ verdict: 'drop', counted: { 'drop dhcp release': 1 } });
    }
  });

  it('reads no options behind the end of the packet', () => {
    const frame = dhcp4({ options: [Buffer.of(0, 0, 0)] });
    const beyond = Buffer.concat([frame, option(53, TYPE.discover), END]);
    expect(send4(beyond).verdict).toBe('drop');
    expect(send4(dhcp4({ options: discover }, { padding: 40 })).verdict).toBe('redirect');
  });
});

/** Which reply RFC 2131 asks for; 0: none. Read from the frame by its lengths, as a server would. */
function expected4(frame: Buffer): number {
  const text = (at: number, bytes: number): string => frame.toString('hex', at, at + bytes);
  const mac = VM_MAC.replaceAll(':', '');
  if (frame.length < 14 + 20 + 8 + 240 || text(6, 6) !== mac) return 0;
  const [total, udp] = [frame.readUInt16BE(16), frame.readUInt16BE(38)];
  if (frame.readUInt8(14) !== 0x45 || frame.readUInt8(23) !== 17 || (frame.readUInt16BE(20) & 0x3fff) !== 0) return 0;
  if (frame.readUInt16BE(36) !== 67 || total + 14 > frame.length || udp + 20 > total || udp <= 248) return 0;
  const message = frame.subarray(42, 34 + udp);
  const [source, ciaddr, lease] = [text(26, 4), message.toString('hex', 12, 16), bytesOf(ADDRESS).toString('hex')];
  const none = '00000000';
  if (message.toString('hex', 0, 3) !== '010106' || message.toString('hex', 24, 28) !== none) return 0;
  if (message.toString('hex', 28, 34) !== mac || ![none, lease, ciaddr].includes(source)) return 0;
  if (!message.subarray(236, 240).equals(COOKIE)) return 0;
  const found = new Map<number, Buffer>();
  let at = 240;
  for (let read = 0; at !== message.length; read++) {
    const code = message.readUInt8(at);
    if (code === 255) break;
    if (read >= 159) return 0;
    if (code === 0) {
      at += 1;
      continue;
    }
    if (at + 2 > message.length || at + 2 + message.readUInt8(at + 1) > message.length) return 0;
    const value = message.subarray(at + 2, at + 2 + message.readUInt8(at + 1));
    if (code === 53 || value.length === 4 || ![50, 54].includes(code)) found.set(code, value);
    at += 2 + value.length;
  }
  const type = found.get(53);
  const server = found.get(54)?.toString('hex') ?? none;
  if (type?.length !== 1 || (server !== none && server !== bytesOf(SERVER).toString('hex'))) return 0;
  const requested = found.get(50)?.toString('hex') ?? none;
  const wanted = requested === none ? ciaddr : requested;
  switch (type.readUInt8(0)) {
    case TYPE.discover:
      return TYPE.offer;
    case TYPE.request:
      if (wanted === none) return 0;
      return wanted === lease ? TYPE.ack : TYPE.nak;
    case TYPE.inform:
      return ciaddr === lease ? TYPE.ack : 0;
    default:
      return 0;
  }
}

/**
 * Alters some bytes, cuts, or makes longer; behind the Ethernet header, now and then in it.
 *
 * @param least bytes that are left: test runs take no frame without its IP header
 */
function mutate(frame: Buffer, least: number, random: () => number): Buffer {
  const below = (most: number): number => Math.floor(random() * most);
  let bytes = Buffer.from(frame);
  if (below(4) === 0) bytes = bytes.subarray(0, Math.max(least, bytes.length - below(40)));
  if (below(8) === 0) bytes = Buffer.concat([bytes, Buffer.alloc(below(60), below(256))]);
  for (let left = below(5); left > 0; left--) {
    // Options, where most of the decisions are, more often than all else.
    const from = below(3) === 0 ? (below(10) === 0 ? 0 : 14) : Math.min(bytes.length - 1, 42 + 236);
    bytes.writeUInt8(below(3) === 0 ? below(8) : below(256), from + below(bytes.length - from));
  }
  return bytes;
}

describe('random requests', () => {
  /** Of one program, without counting each: the frame as it leaves; undefined where it is dropped, or left to others as no request. */
  function runner(program: 'dhcp4_tc' | 'dhcp6_tc'): (frame: Buffer) => Buffer | undefined {
    const one = bench();
    const handle = one.program(program);
    const context = Buffer.alloc(192);
    context.writeUInt32LE(one.ifindex, 40);
    return (frame) => {
      const { verdict, data } = handle.testRun({ data: frame, netns: one.netns, context });
      if (verdict === 2 || verdict === -1) return undefined;
      if (verdict !== 7)
        throw new Error(`verdict ${verdict}, expected a drop, a redirect or none: ${frame.toString('hex')}`);
      return Buffer.from(data);
    };
  }

  it(`DHCPv4: ${COUNT} get the reply of RFC 2131 or none`, () => {
    const random = randomFrom(SEED);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
    const run = runner('dhcp4_tc');
    const address = (): string => pick([ADDRESS, ADDRESS, '10.0.0.9', '0.0.0.0']);
    const answered = new Map<number, number>();
    for (let index = 0; index < COUNT; index++) {
      const options = [
        option(53, pick([1, 1, 3, 3, 3, 4, 7, 8, 2])),
        ...(random() < 0.5 ? [option(50, address())] : []),
        ...(random() < 0.3 ? [option(54, pick([SERVER, SERVER, '10.0.0.99']))] : []),
        ...(random() < 0.3 ? [option(61, Buffer.alloc(Math.floor(random() * 255), 7))] : []),
        ...(random() < 0.3 ? [option(55, 1, 3, 249, 121)] : []),
        ...(random() < 0.3
          ? [option(60, Buffer.from(pick(['PXEClient:Arch:00000', 'MSFT 5.0', 'HTTPClient', 'x'])))]
          : []),
        ...(random() < 0.3 ? [option(93, 0, pick([0, 7, 16]))] : []),
        ...(random() < 0.3 ? [option(77, Buffer.from('iPXE'))] : []),
      ].sort(() => random() - 0.5);
      const from = pick(['0.0.0.0', '0.0.0.0', ADDRESS, '10.0.0.9']);
      const whole = dhcp4({ xid: index, ciaddr: address(), options: [...options, END] }, { from });
      const frame = mutate(whole, 14 + 20, random);
      const reply = run(frame);
      const type = expected4(frame);
      const read = reply === undefined ? undefined : requests.readReply4(reply);
      expect(read?.type ?? 0, `seed ${SEED}, request ${index}: ${frame.toString('hex')}`).toBe(type);
      answered.set(type, (answered.get(type) ?? 0) + 1);
      if (read === undefined) continue;
      expect(read.xid).toBe(frame.readUInt32BE(46));
      expect(read.yiaddr).toEqual(
        bytesOf(type === TYPE.nak ? '0.0.0.0' : read.yiaddr.readUInt32BE(0) === 0 ? '0.0.0.0' : ADDRESS),
      );
      expect(read.options.get(54)).toEqual(bytesOf(SERVER));
    }
    // All ways were taken.
    for (const type of [0, TYPE.offer, TYPE.ack, TYPE.nak]) expect(answered.get(type)).toBeGreaterThan(COUNT / 100);
  });

  it(`DHCPv6: ${COUNT} get a valid reply for the client or none`, () => {
    const random = randomFrom(SEED);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
    const run = runner('dhcp6_tc');
    const solicit = run(dhcp6(TYPE6.solicit, [CLIENT_ID, ia(1)]));
    if (solicit === undefined) throw new Error('a SOLICIT has no answer');
    const server = requests.readReply6(solicit).options.find(({ code }) => code === 2)?.value ?? Buffer.alloc(0);
    const own = new Set(ADDRESSES6.map((text) => bytesOf(text).toString('hex')));
    let answers = 0;
    for (let index = 0; index < COUNT; index++) {
      const asked = pick([[], [ADDRESSES6[0] ?? ''], ['cafe::99'], [...ADDRESSES6, 'cafe::99']]);
      const options = [
        ...(random() < 0.9 ? [CLIENT_ID] : []),
        ...(random() < 0.6 ? [option6(2, random() < 0.8 ? server : Buffer.alloc(10))] : []),
        ...(random() < 0.8 ? [ia(index, ...asked)] : []),
        ...(random() < 0.3 ? [option6(25, Buffer.alloc(12, 9))] : []),
        ...(random() < 0.3 ? [option6(14)] : []),
        ...(random() < 0.3 ? [option6(6, Buffer.of(0, 23, 0, 24))] : []),
      ].sort(() => random() - 0.5);
      const frame = mutate(dhcp6(pick([1, 1, 3, 3, 4, 5, 6, 8, 9, 11, 7]), options), 14 + 40, random);
      const reply = run(frame);
      if (reply === undefined) continue;
      answers++;
      const what = `seed ${SEED}, request ${index}: ${frame.toString('hex')}`;
      const { type, transaction, options: said } = requests.readReply6(reply);
      expect([TYPE6.advertise, TYPE6.reply], what).toContain(type);
      expect(transaction, what).toBe(frame.toString('hex', 63, 66));
      expect(said.find(({ code }) => code === 2)?.value, what).toEqual(server);
      for (const { value } of said.filter(({ code }) => code === 3)) {
        for (const { address, valid } of requests.addressesOf(value)) {
          expect(valid > 0, what).toBe(own.has(address.toString('hex')));
        }
      }
    }
    expect(answers).toBeGreaterThan(COUNT / 20);
    expect(answers).toBeLessThan(COUNT);
  });
});

describe('DHCPv6', () => {
  const send6 = (frame: Buffer): Sent => bench().send('dhcp6_tc', frame);

  it('assigns addresses and a prefix by rapid commit, and rejects addresses of others', () => {
    const rapid = send6(dhcp6(TYPE6.solicit, [CLIENT_ID, option6(14), ia(7), option6(25, Buffer.alloc(12))]));
    const reply = requests.readReply6(rapid.frame);
    expect(reply.type).toBe(TYPE6.reply);
    const na = reply.options.find(({ code }) => code === 3)?.value ?? Buffer.alloc(12);
    expect(na.readUInt32BE(0)).toBe(7);
    expect(requests.addressesOf(na).map(({ address }) => address)).toEqual(ADDRESSES6.map(bytesOf));
    expect(reply.options.map(({ code }) => code)).toEqual(expect.arrayContaining([1, 2, 3, 14, 25]));
    const server = reply.options.find(({ code }) => code === 2)?.value ?? Buffer.alloc(0);
    const renewed = send6(dhcp6(TYPE6.renew, [CLIENT_ID, option6(2, server), ia(7, 'cafe::1', 'cafe::66')]));
    const after = requests.readReply6(renewed.frame).options.find(({ code }) => code === 3)?.value ?? Buffer.alloc(12);
    expect(requests.addressesOf(after).filter(({ valid }) => valid === 0)).toEqual([
      { address: bytesOf('cafe::66'), valid: 0 },
    ]);
    const confirm = (address: string): number =>
      requests
        .readReply6(send6(dhcp6(TYPE6.confirm, [CLIENT_ID, ia(7, address)])).frame)
        .options.find(({ code }) => code === 13)
        ?.value.readUInt16BE(0) ?? -1;
    expect([confirm('cafe::1'), confirm('cafe::66')]).toEqual([0, 4]);
  });

  const other = option6(2, Buffer.from('00030001020000000099', 'hex'));
  const silent: Record<string, Buffer> = {
    'no client identifier': dhcp6(TYPE6.solicit, [ia(1)]),
    'a SOLICIT that names a server': dhcp6(TYPE6.solicit, [CLIENT_ID, other, ia(1)]),
    'a REQUEST that names none': dhcp6(TYPE6.request, [CLIENT_ID, ia(1)]),
    'a REQUEST to another server': dhcp6(TYPE6.request, [CLIENT_ID, other, ia(1)]),
    'a REBIND that names a server': dhcp6(TYPE6.rebind, [CLIENT_ID, other, ia(1)]),
    'a CONFIRM without addresses': dhcp6(TYPE6.confirm, [CLIENT_ID, ia(1)]),
    'an INFORMATION-REQUEST with an IA': dhcp6(TYPE6.information, [CLIENT_ID, ia(1)]),
    'a server’s message': dhcp6(TYPE6.reply, [CLIENT_ID, ia(1)]),
    'a relay’s message': dhcp6(12, [CLIENT_ID, ia(1)]),
    'a source that is not link-local': dhcp6(TYPE6.solicit, [CLIENT_ID, ia(1)], { from: 'cafe::1' }),
    'a request to one server’s address': dhcp6(TYPE6.solicit, [CLIENT_ID, ia(1)], { to: 'fe80::1' }),
    'an option beyond the end': dhcp6(TYPE6.solicit, [CLIENT_ID, Buffer.from('0003002000000001', 'hex')]),
    'an IA that is too short': dhcp6(TYPE6.solicit, [CLIENT_ID, option6(3, Buffer.alloc(4))]),
    'a client identifier of 300 bytes': dhcp6(TYPE6.solicit, [option6(1, Buffer.alloc(300)), ia(1)]),
    'an empty client identifier': dhcp6(TYPE6.solicit, [option6(1), ia(1)]),
    'more options than are read': dhcp6(TYPE6.solicit, [
      CLIENT_ID,
      ...Array.from({ length: 60 }, () => option6(6, Buffer.of(0, 23))),
    ]),
    'a UDP length beyond the packet': dhcp6(TYPE6.solicit, [CLIENT_ID, ia(1)], { udpLength: 900 }),
  };
  it.each(Object.entries(silent))('does not reply to %s', (_, frame) => {
    const { verdict, counted } = send6(frame);
    expect({ verdict, counted }).toEqual({ verdict: 'drop', counted: { 'drop dhcp': 1 } });
  });

  it('drops frames of another MAC address', () => {
    const frame = dhcp6(TYPE6.solicit, [CLIENT_ID, ia(1)], { mac: OTHER_MAC, from: LINK_LOCAL });
    expect(send6(frame).counted).toEqual({ 'drop source mac': 1 });
  });
});
