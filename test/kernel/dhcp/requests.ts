/** DHCP requests as frames of a VM, and replies read back: by themselves, from the RFCs, not by what the programs do. */
import { bytesOf, checksum, ethernet, ip4, ip6 } from '../fastpath/packets.js';
import { MACS } from '../fastpath/bench.js';

export const VM_MAC = MACS.vm;
const BROADCAST_MAC = 'ff:ff:ff:ff:ff:ff';
const ALL_SERVERS_MAC = '33:33:00:01:00:02';
export const LINK_LOCAL = 'fe80::ff:fe00:1';

export const TYPE = { discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7, inform: 8 } as const;
export const COOKIE = Buffer.from('63825363', 'hex');
const FIXED_BYTES = 240;

export function option(code: number, ...value: readonly (number | Uint8Array | string)[]): Buffer {
  const bytes = Buffer.concat(
    value.map((one) => (typeof one === 'number' ? Buffer.of(one) : typeof one === 'string' ? bytesOf(one) : one)),
  );
  return Buffer.concat([Buffer.of(code, bytes.length), bytes]);
}

export const END = Buffer.of(255);

export interface Bootp {
  op?: number;
  htype?: number;
  hlen?: number;
  xid?: number;
  ciaddr?: string;
  giaddr?: string;
  chaddr?: string;
  cookie?: Buffer;
  options?: readonly Uint8Array[];
}

function macBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

function bootp(fields: Bootp): Buffer {
  const head = Buffer.alloc(FIXED_BYTES);
  head.writeUInt8(fields.op ?? 1, 0);
  head.writeUInt8(fields.htype ?? 1, 1);
  head.writeUInt8(fields.hlen ?? 6, 2);
  head.writeUInt32BE(fields.xid ?? 0x12345678, 4);
  bytesOf(fields.ciaddr ?? '0.0.0.0').copy(head, 12);
  bytesOf(fields.giaddr ?? '0.0.0.0').copy(head, 24);
  macBytes(fields.chaddr ?? VM_MAC).copy(head, 28);
  (fields.cookie ?? COOKIE).copy(head, 236);
  return Buffer.concat([head, ...(fields.options ?? [option(53, TYPE.discover), END])]);
}

function udpOf(source: number, destination: number, message: Buffer, length = message.length + 8): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(source, 0);
  head.writeUInt16BE(destination, 2);
  head.writeUInt16BE(length, 4);
  return Buffer.concat([head, message]);
}

export interface Around4 {
  mac?: string;
  from?: string;
  to?: string;
  fragment?: number;
  udpLength?: number;
  padding?: number;
}

export function dhcp4(fields: Bootp, around: Around4 = {}): Buffer {
  const { mac = VM_MAC, from = '0.0.0.0', to = '255.255.255.255', fragment, udpLength, padding = 0 } = around;
  const payload = udpOf(68, 67, bootp(fields), udpLength);
  const packet = ip4({ from, to, payload, ...(fragment !== undefined && { fragment }) });
  return Buffer.concat([ethernet(packet, { to: BROADCAST_MAC, from: mac }), Buffer.alloc(padding)]);
}

export interface Reply4 {
  type: number;
  xid: number;
  yiaddr: Buffer;
  ciaddr: Buffer;
  options: Map<number, Buffer>;
}

/** Reads a reply to the VM. @throws Error where it is not one, whole, with lengths and checksum right */
export function readReply4(frame: Buffer): Reply4 {
  const check = (is: boolean, what: string): void => {
    if (!is) throw new Error(`reply: ${what}: ${frame.toString('hex')}`);
  };
  const isBroadcast = frame.readUInt32BE(30) === 0xffffffff;
  check(frame.subarray(0, 6).equals(macBytes(isBroadcast ? BROADCAST_MAC : VM_MAC)), 'to another MAC address');
  check(frame.subarray(6, 12).equals(macBytes(MACS.port)), 'from another MAC address');
  check(frame.readUInt16BE(12) === 0x0800 && frame.readUInt8(14) === 0x45, 'no IPv4');
  check(frame.readUInt16BE(16) === frame.length - 14, 'total length');
  check(checksum(frame.subarray(14, 34)) === 0, 'checksum');
  const udp = frame.subarray(34);
  check(udp.readUInt16BE(0) === 67 && udp.readUInt16BE(2) === 68, 'ports');
  check(udp.readUInt16BE(4) === udp.length, 'UDP length');
  const message = udp.subarray(8);
  check(message.readUInt8(0) === 2 && message.readUInt8(2) === 6, 'op, hlen');
  check(message.subarray(28, 34).equals(macBytes(VM_MAC)), 'chaddr');
  check(message.subarray(236, 240).equals(COOKIE), 'cookie');
  const options = new Map<number, Buffer>();
  let at = FIXED_BYTES;
  for (;;) {
    const code = message.readUInt8(at);
    if (code === 255) break;
    if (code === 0) {
      at += 1;
      continue;
    }
    const end = at + 2 + message.readUInt8(at + 1);
    check(end < message.length, `option ${code} beyond the end`);
    options.set(code, message.subarray(at + 2, end));
    at = end;
  }
  check(at === message.length - 1, 'bytes behind the end option');
  return {
    type: options.get(53)?.readUInt8(0) ?? 0,
    xid: message.readUInt32BE(4),
    ciaddr: message.subarray(12, 16),
    yiaddr: message.subarray(16, 20),
    options,
  };
}

export const TYPE6 = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  information: 11,
} as const;

export function option6(code: number, ...value: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(value);
  const head = Buffer.alloc(4);
  head.writeUInt16BE(code, 0);
  head.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
}

export const CLIENT_ID = option6(1, Buffer.from('00030001020000000001', 'hex'));

/** An IA_NA that asks for some addresses. */
export function ia(iaid: number, ...addresses: readonly string[]): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32BE(iaid, 0);
  return option6(3, head, ...addresses.map((one) => option6(5, bytesOf(one), Buffer.alloc(8))));
}

export interface Around6 {
  mac?: string;
  from?: string;
  to?: string;
  udpLength?: number;
}

export function dhcp6(type: number, options: readonly Uint8Array[], around: Around6 = {}): Buffer {
  const { mac = VM_MAC, from = LINK_LOCAL, to = 'ff02::1:2', udpLength } = around;
  const message = Buffer.concat([Buffer.of(type, 0xab, 0xcd, 0xef), ...options]);
  return ethernet(ip6({ from, to, next: 17, payload: udpOf(546, 547, message, udpLength) }), {
    to: ALL_SERVERS_MAC,
    from: mac,
  });
}

export interface Reply6 {
  type: number;
  transaction: string;
  options: { code: number; value: Buffer }[];
}

function optionsOf(bytes: Buffer): Reply6['options'] {
  const options: Reply6['options'] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length) throw new Error(`reply: option ${bytes.readUInt16BE(at)} beyond the end`);
    options.push({ code: bytes.readUInt16BE(at), value: bytes.subarray(at + 4, end) });
    at = end;
  }
  return options;
}

/** Addresses of an IA_NA, with how long they are valid in seconds. */
export function addressesOf(value: Buffer): { address: Buffer; valid: number }[] {
  return optionsOf(value.subarray(12))
    .filter(({ code }) => code === 5)
    .map((one) => ({ address: one.value.subarray(0, 16), valid: one.value.readUInt32BE(20) }));
}

/** Reads a reply to the VM. @throws Error where it is not one, whole, with lengths and checksum right */
export function readReply6(frame: Buffer): Reply6 {
  const check = (is: boolean, what: string): void => {
    if (!is) throw new Error(`reply: ${what}: ${frame.toString('hex')}`);
  };
  check(frame.subarray(0, 6).equals(macBytes(VM_MAC)), 'to another MAC address');
  check(frame.subarray(6, 12).equals(macBytes(MACS.port)), 'from another MAC address');
  check(frame.readUInt16BE(12) === 0x86dd && frame.readUInt8(14) >> 4 === 6, 'no IPv6');
  check(frame.readUInt16BE(18) === frame.length - 54, 'payload length');
  const udp = frame.subarray(54);
  check(udp.readUInt16BE(0) === 547 && udp.readUInt16BE(2) === 546, 'ports');
  check(udp.readUInt16BE(4) === udp.length, 'UDP length');
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(udp.length, 0);
  pseudo.writeUInt32BE(17, 4);
  check(checksum(Buffer.concat([frame.subarray(22, 54), pseudo, udp])) === 0, 'checksum');
  return { type: udp.readUInt8(8), transaction: udp.toString('hex', 9, 12), options: optionsOf(udp.subarray(12)) };
}
