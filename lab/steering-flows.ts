/** Finds the network nodes that a topology's connections use, from underlay packets. */
import { familyOf } from 'netlink-ts/inet';
import { join } from 'node:path';
import { getLink } from 'netlink-ts';
import { Capture } from './capture.js';
import { withSocket } from './devices.js';
import { findHeader } from '../src/packet/headers.js';
import { find, netnsOf, ROUTER, sidOf, sourceOf } from './topology.js';
import type { CapturedPacket } from './capture.js';
import type { TcpHeader } from '../src/packet/headers.js';
import type { LabVm, Topology } from './topology.js';

const SYN = 0x02;
const ACK = 0x10;

/** A packet of a TCP handshake on the underlay. */
export interface OpeningPacket {
  packet: CapturedPacket;
  outerSource: string;
  outerDestination: string;
  source: string;
  destination: string;
  tcp: TcpHeader;
}

/** Captures on the router's links to all network nodes of the topology's gateways that are up. */
export class GatewayCapture {
  readonly #captures: Capture[];

  private constructor(captures: Capture[]) {
    this.#captures = captures;
  }

  static async start(topology: Topology, directory: string, name: string): Promise<GatewayCapture> {
    const all = [...new Set((topology.gateways ?? []).flatMap((gateway) => gateway.nodes))];
    const netns = netnsOf(topology, ROUTER);
    const nodes: string[] = [];
    // tcpdump cannot capture on a link that is down, which carries no packets either.
    withSocket(netns, (socket) => {
      nodes.push(...all.filter((node) => getLink(socket, node)?.up === true));
    });
    return new GatewayCapture(
      await Promise.all(
        nodes.map((node) => Capture.start(netns, node, join(directory, `${name}-${node}.pcap`), 'ip6')),
      ),
    );
  }

  /**
   * Ends the capture.
   *
   * @returns SYN and SYN-ACK packets of tenants, in order of time
   * @throws Error if packets were lost, since these may be missing
   */
  async stop(): Promise<OpeningPacket[]> {
    const packets = await this.stopWhole();
    const lost = this.#captures.reduce((sum, capture) => sum + capture.lost, 0);
    if (lost > 0) throw new Error(`the capture at the network nodes lost ${lost} packets`);
    return packets.flatMap(openingOf);
  }

  /** Ends the capture. @returns all packets, in order of time */
  async stopWhole(): Promise<CapturedPacket[]> {
    const packets = await Promise.all(this.#captures.map((capture) => capture.stop()));
    return packets.flat().sort((a, b) => a.time - b.time);
  }
}

function openingOf(packet: CapturedPacket): OpeningPacket[] {
  const outer = findHeader(packet.headers, 'ipv6');
  const tcp = findHeader(packet.headers, 'tcp');
  const inner = findHeader(packet.headers, 'ipv4') ?? packet.headers.filter(({ layer }) => layer === 'ipv6').at(1);
  if (outer === undefined || tcp === undefined || inner === undefined || (tcp.flags & SYN) === 0) return [];
  if (inner.layer !== 'ipv4' && inner.layer !== 'ipv6') return [];
  const { source, destination } = inner;
  return [{ packet, outerSource: outer.source, outerDestination: outer.destination, source, destination, tcp }];
}

function isSyn({ tcp }: OpeningPacket): boolean {
  return (tcp.flags & ACK) === 0;
}

/** The network node of each new connection of a VM, by the connection's addresses and ports. */
export function nodesOf(topology: Topology, from: LabVm, packets: readonly OpeningPacket[]): Map<string, string> {
  const nodes = new Map<string, string>();
  const sids = new Map(topology.nodes.map(({ name }) => [sidOf(topology, name, from.tenant), name]));
  const hypervisor = sourceOf(find(topology.nodes, from.node));
  for (const one of packets) {
    const node = sids.get(one.outerDestination);
    if (!isSyn(one) || one.outerSource !== hypervisor || node === undefined || !from.addresses.includes(one.source))
      continue;
    // Ports are not sufficient: a VM's IPv4 and IPv6 connections may have equal ones.
    const connection = [one.source, one.tcp.sourcePort, one.destination, one.tcp.destinationPort].join(' ');
    if (!nodes.has(connection)) nodes.set(connection, node);
  }
  return nodes;
}

/** The network node of the last datagram of each UDP flow of a VM, by the flow's source port. */
export function nodesOfDatagrams(
  topology: Topology,
  from: LabVm,
  packets: readonly CapturedPacket[],
): Map<number, string> {
  const nodes = new Map<number, string>();
  const sids = new Map(topology.nodes.map(({ name }) => [sidOf(topology, name, from.tenant), name]));
  const hypervisor = sourceOf(find(topology.nodes, from.node));
  for (const { headers } of packets) {
    const outer = findHeader(headers, 'ipv6');
    const udp = findHeader(headers, 'udp');
    const node = sids.get(outer?.destination ?? '');
    if (udp !== undefined && outer?.source === hypervisor && node !== undefined) nodes.set(udp.sourcePort, node);
  }
  return nodes;
}

/** The four packets of a handshake: SYN to the network node and onward, SYN-ACK to it and onward. */
export function openingLegs(packets: readonly OpeningPacket[], from: LabVm, family: 4 | 6): OpeningPacket[] {
  const first = packets.find(
    (one) => isSyn(one) && from.addresses.includes(one.source) && familyOf(one.source) === family,
  );
  if (first === undefined) return [];
  const { sourcePort, destinationPort } = first.tcp;
  const syns = packets.filter(
    (one) => isSyn(one) && one.tcp.sourcePort === sourcePort && one.destination === first.destination,
  );
  const answers = packets.filter(
    (one) => !isSyn(one) && one.tcp.sourcePort === destinationPort && one.tcp.destinationPort === sourcePort,
  );
  return [...syns.slice(0, 2), ...answers.slice(0, 2)];
}
