/** A small cloud of two tenants with the same addresses, put into a bench's maps and written down for native/fuzz.c. */
import { encapOf } from '../../../bench/lib/map-filler.js';
import { Bench, GATEWAYS, MACS, MTU, PATHS, REMOTE_SOURCE, SIDS, SOURCE, TENANT, TRUSTED } from './bench.js';
import { bytesOf, encapsulated, ethernet, IP, ip4, ip6, srh, tcp, udp } from './packets.js';
import { EndpointType } from '../../../src/ebpf/generated/layouts.js';

/** Whose packets must never come out for the tenant under test; some of its addresses are the same, some its own. */
const NEIGHBOUR = TENANT ^ 172;
const NEIGHBOUR_SID = 'fd00:5e:1:4600:c8::';
const NEIGHBOUR_PATH = ['fd00:5e:2:4600:c8::'];
const NEIGHBOUR_ENCAP = 20;
const NEIGHBOUR_MAC = '02:00:00:00:00:66';
const NEIGHBOUR_OWN_MAC = '02:00:00:00:01:66';
/** Made-up interfaces: redirects of a test run go nowhere. */
const NEIGHBOUR_PORT = 166;
const JUMBO_PORT = 177;
const JUMBO_MTU = 8900;
const JUMBO_MAC = '02:00:00:00:00:77';
const JUMBO_OWN_MAC = '02:00:00:00:01:77';
const SID_BLOCK = { prefix: 'fd00:5e::', bits: 32 };

export interface Cloud {
  bench: Bench;
  /** of native/fuzz/cloud.h */
  text: string;
}

const hex = (address: string): string => Buffer.concat([bytesOf(address), Buffer.alloc(16)]).toString('hex', 0, 16);
const macHex = (mac: string): string => mac.replaceAll(':', '');
const familyOf = (address: string): number => (address.includes(':') ? 6 : 4);
const bitsOf = (address: string): number => (address.includes(':') ? 128 : 32);

/** @param ifindexes by which the VM's packets enter: XDP's test run has lo's (1), whatever it is told */
export function buildCloud(ifindexes: readonly number[] = []): Cloud {
  const bench = new Bench();
  const { EP_LOCAL, EP_REMOTE } = EndpointType;
  const lines = [
    `node ${hex(SOURCE)} ${hex(SID_BLOCK.prefix)} ${SID_BLOCK.bits} ${macHex(MACS.uplink)}`,
    `trusted ${hex(TRUSTED)} 32`,
    `port ${TENANT} ${macHex(MACS.vm)} ${macHex(MACS.port)} ${MTU}`,
  ];
  lines.push(`source ${hex(REMOTE_SOURCE)}`);
  for (const gateway of GATEWAYS) lines.push(`gateway ${familyOf(gateway)} ${hex(gateway)}`);
  const permit = (address: string): void => {
    lines.push(`permit ${familyOf(address)} ${bitsOf(address)} ${hex(address)}`);
    for (const ifindex of [bench.ifindex, ...ifindexes]) bench.permit(address, ifindex);
  };
  const local = (address: string, port: { vm: string; own: string; mtu: number }, tenant = TENANT): void => {
    const { vm, own, mtu } = port;
    const to = `local ${macHex(vm)} ${macHex(own)} ${mtu}`;
    lines.push(`member ${tenant} ${familyOf(address)} ${bitsOf(address)} ${hex(address)} ${to}`);
  };
  const remote = (address: string, bits: number, path: readonly string[], tenant = TENANT): void => {
    const { first, srh: routing, srhBytes } = encapOf(path, 1);
    const rest = srhBytes === 0 ? '-' : Buffer.from(routing).toString('hex', 1, srhBytes);
    const to = `remote ${macHex(MACS.router)} ${Buffer.from(first).toString('hex')} ${rest}`;
    lines.push(`member ${tenant} ${familyOf(address)} ${bits} ${hex(address)} ${to}`);
  };

  for (const ifindex of ifindexes) bench.setPort({}, ifindex);
  for (const address of ['10.0.0.1', 'cafe::1']) permit(address);
  lines.push(`permit 4 24 ${hex('192.168.1.0')}`);
  for (const ifindex of ifindexes) bench.permitPrefix('192.168.1.0', 24, ifindex);
  // What the bench holds.
  for (const [last, path] of Object.entries(PATHS)) {
    for (const address of [`10.0.0.${last}`, `cafe::${last}`]) remote(address, bitsOf(address), path);
  }
  remote('172.16.0.0', 12, PATHS[2] ?? []);
  remote('172.16.5.0', 24, PATHS[3] ?? []);
  const other = { vm: MACS.otherVm, own: MACS.otherPort, mtu: MTU };
  for (const last of [7, 9]) {
    for (const address of [`10.0.0.${last}`, `cafe::${last}`]) local(address, other);
  }
  for (const address of ['10.0.0.1', 'cafe::1']) local(address, { vm: MACS.vm, own: MACS.port, mtu: MTU });
  for (const [name, sid] of Object.entries(SIDS)) {
    lines.push(`sid ${hex(sid)} ${TENANT} ${{ dt46: 0x46, dt4: 4, dt6: 6 }[name] ?? 0}`);
  }

  // A prefix of IPv6 and everything else, towards different SIDs; a port for jumbo frames.
  bench.addPrefix('cafe:5::', 64, EP_REMOTE, 3);
  remote('cafe:5::', 64, PATHS[3] ?? []);
  bench.addPrefix('::', 0, EP_REMOTE, 5);
  remote('::', 0, PATHS[5] ?? []);
  bench.setPort({ slot: 3, mac: JUMBO_MAC, gatewayMac: JUMBO_OWN_MAC, mtu: JUMBO_MTU }, JUMBO_PORT);
  for (const address of ['10.0.0.10', 'cafe::10']) {
    bench.addMember(address, EP_LOCAL, JUMBO_PORT);
    local(address, { vm: JUMBO_MAC, own: JUMBO_OWN_MAC, mtu: JUMBO_MTU });
  }

  // The tenant next door: the same addresses elsewhere, and some that the first lacks.
  bench.addEncap(NEIGHBOUR_ENCAP, NEIGHBOUR_PATH);
  bench.addSid(NEIGHBOUR_SID, 0x46, NEIGHBOUR);
  lines.push(`sid ${hex(NEIGHBOUR_SID)} ${NEIGHBOUR} ${0x46}`);
  const next = { vm: NEIGHBOUR_MAC, own: NEIGHBOUR_OWN_MAC, mtu: MTU };
  const nextPort = { tenant: NEIGHBOUR, slot: 4, mac: NEIGHBOUR_MAC, gatewayMac: NEIGHBOUR_OWN_MAC };
  bench.setPort(nextPort, NEIGHBOUR_PORT);
  for (const address of ['10.0.0.2', 'cafe::2', '10.0.0.66', 'cafe::66']) {
    bench.addMember(address, EP_REMOTE, NEIGHBOUR_ENCAP, NEIGHBOUR);
    remote(address, bitsOf(address), NEIGHBOUR_PATH, NEIGHBOUR);
  }
  for (const address of ['10.0.0.1', 'cafe::1', '10.0.0.67', 'cafe::67']) {
    bench.addMember(address, EP_LOCAL, NEIGHBOUR_PORT, NEIGHBOUR);
    local(address, next, NEIGHBOUR);
  }
  bench.addPrefix('10.66.0.0', 16, EP_REMOTE, NEIGHBOUR_ENCAP, NEIGHBOUR);
  remote('10.66.0.0', 16, NEIGHBOUR_PATH, NEIGHBOUR);
  return { bench, text: `${lines.join('\n')}\n` };
}

const DESTINATIONS4 = [2, 3, 4, 5, 7, 8, 9, 10, 66, 67, 99, 254].map((last) => `10.0.0.${last}`);
const DESTINATIONS6 = [2, 3, 4, 5, 7, 8, 9, 10, 66, 67, 99, 254].map((last) => `cafe::${last}`);

/** Valid packets of every shape, of the VM or arriving at the uplink: what mutations begin with. */
export function corpus(side: 'port' | 'uplink'): Buffer[] {
  const fromVm = { to: MACS.port, from: MACS.vm };
  const arriving = { to: MACS.uplink, from: MACS.router };
  const inner = (to4: string, to6: string, from4: string, from6: string): Buffer[] => [
    ip4({ from: from4, to: to4 }),
    ip4({ from: from4, to: to4, protocol: IP.tcp, payload: tcp({ size: 900 }) }),
    ip4({ from: from4, to: to4, tos: 0xb9, fragment: 0x2000 }),
    ip4({ from: from4, to: to4, options: Buffer.from([7, 4, 4, 0]) }),
    ip6({ from: from6, to: to6 }),
    ip6({ from: from6, to: to6, trafficClass: 2, next: IP.tcp, payload: tcp({ size: 1200 }) }),
    ip6({ from: from6, to: to6, next: IP.fragment, payload: Buffer.concat([Buffer.from([17, 0, 0, 1]), udp()]) }),
    ip6({ from: from6, to: to6, next: IP.icmp6, payload: Buffer.from([128, 0, 0, 0, 0, 0, 0, 1]) }),
  ];
  const sent = DESTINATIONS4.flatMap((to, at) => inner(to, DESTINATIONS6[at] ?? '', '10.0.0.1', 'cafe::1'));
  const prefixed = ['172.16.1.1', '172.16.5.1', '10.66.0.1'].map((to) => ip4({ from: '192.168.1.5', to }));
  const wide = ['cafe:5::9', '2001:db8::1', 'fd00:5e:2:4600:64::', 'fd00:5e:1::1', `${TRUSTED}1`].map((to) =>
    ip6({ to }),
  );
  const forged = ['fd00:5e:2::1', `${TRUSTED}1`].map((from) => ip6({ from }));
  const arp = Buffer.from('0001080006040001020000000001' + '0a000001' + '000000000000' + '0a0000fe', 'hex');
  const solicitation = ip6({ hopLimit: 255, to: 'cafe::254', next: IP.icmp6, payload: Buffer.alloc(32, 135) });
  const outer = [...Object.values(SIDS), NEIGHBOUR_SID].flatMap((sid) =>
    ['1', '7', '9', '10', '67', '99'].flatMap((last) =>
      inner(`10.0.0.${last}`, `cafe::${last}`, '10.0.0.2', 'cafe::2').flatMap((packet, at) => {
        const protocol = packet.readUInt8(0) >> 4 === 4 ? IP.ipip : IP.ipv6;
        const routed = Buffer.concat([srh(protocol, [sid, 'fd00:5e:91:1::'], 0), packet]);
        return at % 2 === 0
          ? [encapsulated(packet, [sid], 'fd00:5e:2::1', at === 4 ? 3 : 0)]
          : [ip6({ from: 'fd00:5e:2::1', to: sid, next: IP.routing, payload: routed })];
      }),
    ),
  );
  // From where nobody may send, and frames for others.
  const forgedArrivals = [
    ...['10.0.0.1', '127.0.0.1', '0.1.2.3', '224.0.0.9', GATEWAYS[0]].map((from) => ip4({ from, to: '10.0.0.1' })),
    ...['cafe::1', '::1', '::', 'ff02::1', 'fe80::9', '::ffff:10.0.0.9', GATEWAYS[1]].map((from) =>
      ip6({ from, to: 'cafe::1' }),
    ),
    ip4({ from: GATEWAYS[0], to: '10.0.0.1', protocol: IP.icmp, payload: Buffer.alloc(40, 11) }),
    ip6({ from: GATEWAYS[1], to: 'cafe::1', next: IP.icmp6, payload: Buffer.alloc(60, 3) }),
    ip6({ from: GATEWAYS[1], to: 'cafe::1', next: IP.icmp6, payload: Buffer.alloc(60) }),
  ].map((packet) => ethernet(encapsulated(packet, [SIDS.dt46], REMOTE_SOURCE), arriving));
  const strangers = [
    ethernet(encapsulated(ip4({ from: '10.0.0.2', to: '10.0.0.1' }), [SIDS.dt46], 'fd00:5e:2::2'), arriving),
    ethernet(encapsulated(ip4({ from: '10.0.0.2', to: '10.0.0.1' }), [SIDS.dt46], REMOTE_SOURCE), {
      ...{ ...arriving, to: 'ff:ff:ff:ff:ff:ff' },
    }),
  ];
  if (side === 'uplink') return [...outer.map((packet) => ethernet(packet, arriving)), ...forgedArrivals, ...strangers];
  return [
    ...[...sent, ...prefixed, ...wide, ...forged, solicitation].map((packet) => ethernet(packet, fromVm)),
    ethernet(arp, { ...fromVm, type: 0x0806 }),
  ];
}

/** The frames in a file's form: the length, 32 bits, little-endian, then the bytes. */
export function corpusFile(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(frame.length);
      return [length, frame];
    }),
  );
}
