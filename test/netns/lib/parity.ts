/** Frames and chains for native/parity.c: the same packets through a network with the fast path and one without. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpusFile } from '../../kernel/fastpath/cloud.js';
import { encapsulated, ethernet, IP, ip4, ip6, srh, tcp } from '../../kernel/fastpath/packets.js';
import { macOf } from './raw.js';
import { ROUTER } from '../../../lab/topology.js';
import type { TestNetwork } from './network.js';

/** Where native/parity.c looks: hv1's underlay, the VM that is written to, the other tenant's VM beside it. */
export const PLACES = ['underlay', 't100-2', 't200-4'] as const;

export interface Compared {
  packets: number;
  /** packets that differ without a name */
  found: number;
  /** packets that arrived in neither chain */
  neither: number;
  strange: [number, number];
  /** through the fast chain, by place */
  arrived: number[];
  /** named differences, with how many packets had them */
  differences: Record<string, number>;
}

const MARK = Buffer.concat([Buffer.from('SEGUE-ID'), Buffer.alloc(4)]);
const NOBODY = '00:00:00:00:00:00';
const NO_MACS = { to: NOBODY, from: NOBODY };
const SIDS = { t100: 'fd00:5e:2:4600:64::', t200: 'fd00:5e:2:4600:c8::' };
const HV1 = 'fd00:5e:1::1';

const marked = (size: number): Buffer => Buffer.concat([MARK, Buffer.alloc(size, 0x5a)]);

function datagram(size: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(4000, 0);
  header.writeUInt16BE(53, 2);
  header.writeUInt16BE(8 + MARK.length + size, 4);
  return Buffer.concat([header, marked(size)]);
}

const segment = (size: number, flags = 0x10): Buffer => Buffer.concat([tcp({ size: 0, flags }), marked(size)]);
const echo = (type: number): Buffer => Buffer.concat([Buffer.from([type, 0, 0, 0, 0, 1, 0, 1]), marked(40)]);

/** One tenant's packets of every shape, between two addresses of each family. */
function packets(from4: string, to4: string, from6: string, to6: string): Buffer[] {
  const four = { from: from4, to: to4 };
  const six = { from: from6, to: to6 };
  const options = Buffer.from([1, 1, 1, 0]);
  const extension = Buffer.concat([Buffer.from([17, 0, 1, 4, 0, 0, 0, 0]), datagram(20)]);
  const fragment = Buffer.concat([Buffer.from([17, 0, 0, 1, 0, 0, 0, 7]), datagram(64)]);
  return [
    ip4({ ...four, payload: datagram(30) }),
    ip4({ ...four, payload: datagram(1200), tos: 0xb9 }),
    ip4({ ...four, payload: datagram(100), fragment: 0x2000 }),
    ip4({ ...four, payload: datagram(100), fragment: 0x4000, ttl: 3 }),
    ip4({ ...four, payload: datagram(10), options }),
    ip4({ ...four, payload: segment(200), protocol: IP.tcp, tos: 2 }),
    ip4({ ...four, payload: segment(0, 0x02), protocol: IP.tcp }),
    ip4({ ...four, payload: echo(8), protocol: IP.icmp }),
    ip6({ ...six, payload: datagram(30) }),
    ip6({ ...six, payload: datagram(1100), trafficClass: 0x2a, flowLabel: 0x12345 }),
    ip6({ ...six, payload: segment(300), next: IP.tcp, trafficClass: 1 }),
    ip6({ ...six, payload: echo(128), next: IP.icmp6, hopLimit: 4 }),
    ip6({ ...six, payload: extension, next: IP.destOptions }),
    ip6({ ...six, payload: fragment, next: IP.fragment }),
  ];
}

function vmFrames(): Buffer[] {
  const four = ['10.0.0.2', '10.0.0.2', '10.0.0.2', '10.0.0.4', '10.0.0.99', '172.16.0.1'];
  const six = ['cafe::2', 'cafe::2', 'cafe::2', 'cafe::4', '2001:db8::1', SIDS.t100];
  const honest = four.flatMap((to, at) => packets('10.0.0.1', to, 'cafe::1', six[at] ?? ''));
  const forged = packets('10.0.0.2', '10.0.0.2', 'cafe::3', 'cafe::2');
  return [...honest, ...forged].map((packet) => ethernet(packet, NO_MACS));
}

function wireFrames(): Buffer[] {
  const inner = packets('10.0.0.1', '10.0.0.2', 'cafe::1', 'cafe::2');
  const others = packets('10.0.0.3', '10.0.0.4', 'cafe::3', 'cafe::4');
  const astray = packets('10.0.0.1', '10.0.0.77', 'cafe::1', 'cafe::77');
  const routed = (packet: Buffer, segmentsLeft: number): Buffer => {
    const protocol = packet.readUInt8(0) >> 4 === 4 ? IP.ipip : IP.ipv6;
    const payload = Buffer.concat([srh(protocol, [SIDS.t100, 'fd00:5e:91:1::'], segmentsLeft), packet]);
    return ip6({ from: HV1, to: SIDS.t100, next: IP.routing, payload });
  };
  return [
    ...inner.flatMap((packet, at) => [
      encapsulated(packet, [SIDS.t100], HV1, [0, 3, 0xb9, 2][at % 4]),
      routed(packet, at % 7 === 0 ? 1 : 0),
    ]),
    ...others.map((packet) => encapsulated(packet, [SIDS.t200], HV1)),
    ...astray.map((packet) => encapsulated(packet, [SIDS.t100], HV1)),
  ].map((packet) => ethernet(packet, NO_MACS));
}

const hex = (mac: string): string => mac.replaceAll(':', '');

/** Describes the selftest's network to native/parity.c. VMs answer nothing. */
async function describeChain(network: TestNetwork, file: string): Promise<void> {
  const [hv1, hv2, router] = ['hv1', 'hv2', ROUTER].map((name) => network.netns(name));
  if (hv1 === undefined || hv2 === undefined || router === undefined) throw new Error('no network');
  for (const vm of ['t100-1', 't100-2', 't200-4']) {
    const chain = 'chain early {\n type filter hook prerouting priority raw\n meta l4proto != ipv6-icmp drop\n }';
    await network.output(vm, ['nft', '-f', '-'], { input: `table inet quiet {\n ${chain}\n}\n` });
  }
  const lines = [
    `vm ${network.netns('t100-1')} eth0 ${hex(macOf(hv1, 't100-1'))} ${hex(network.vm('t100-1').mac)}`,
    `wire ${router} hv2 ${hex(macOf(hv2, 'eth0'))} ${hex(macOf(router, 'hv2'))}`,
    `see ${router} hv1`,
    `see ${network.netns('t100-2')} eth0`,
    `see ${network.netns('t200-4')} eth0`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
}

/** Files of two chains, used for as many runs as wanted. */
export class Parity {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async prepare(fast: TestNetwork, kernel: TestNetwork): Promise<Parity> {
    const directory = mkdtempSync(join(fast.directory, 'parity-'));
    await describeChain(fast, join(directory, 'fast'));
    await describeChain(kernel, join(directory, 'kernel'));
    writeFileSync(join(directory, 'vm-frames'), corpusFile(vmFrames()));
    writeFileSync(join(directory, 'wire-frames'), corpusFile(wireFrames()));
    return new Parity(directory);
  }

  /** Sends so many packets and compares. `findings`: the first few, with their packets in hexadecimal. */
  run(seed: string, count: number): { compared: Compared; findings: string } {
    const files = ['fast', 'kernel', 'vm-frames', 'wire-frames'].map((name) => join(this.#directory, name));
    const argv = [...files, seed, String(count)];
    const { status, stdout, stderr } = spawnSync('build/native/parity', argv, { encoding: 'utf8' });
    if (status !== 0 && status !== 1) throw new Error(`parity: ${status}: ${stderr}`);
    return { compared: JSON.parse(stdout) as Compared, findings: stderr };
  }
}
