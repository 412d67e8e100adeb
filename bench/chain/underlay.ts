/** The links between the hypervisors, or between them and a network node in the middle: who is at their ends, and what each end needs. */
import { LOCATOR, MAC, NN_UNDERLAY, NN_UPLINK, TUNNEL_SOURCE, UNDERLAY, UNDERLAY_MTU, UPLINK } from './names.js';
import type { Family, UnderlayNode } from './names.js';

/** One end of a link. */
export interface UnderlayEnd {
  node: UnderlayNode;
  device: string;
  mac: string;
  addresses: Readonly<Record<Family, string>>;
  /** Nodes whose locators are reached by it. */
  reaches: readonly UnderlayNode[];
}

export interface UnderlayLink {
  a: UnderlayEnd;
  b: UnderlayEnd;
  lengths: Readonly<Record<Family, number>>;
}

const DIRECT: readonly UnderlayLink[] = [
  {
    a: {
      ...{ node: 'hv1', device: UPLINK, mac: MAC.hv1Uplink, reaches: ['hv2'] },
      addresses: { 4: UNDERLAY[4].hv1, 6: UNDERLAY[6].hv1 },
    },
    b: {
      ...{ node: 'hv2', device: UPLINK, mac: MAC.hv2Uplink, reaches: ['hv1'] },
      addresses: { 4: UNDERLAY[4].hv2, 6: UNDERLAY[6].hv2 },
    },
    lengths: { 4: UNDERLAY[4].length, 6: UNDERLAY[6].length },
  },
];

function toNetworkNode(hypervisor: 'hv1' | 'hv2', mac: string, nnMac: string, beyond: 'hv1' | 'hv2'): UnderlayLink {
  const { 4: v4, 6: v6 } = NN_UNDERLAY[hypervisor];
  return {
    a: {
      ...{ node: hypervisor, device: UPLINK, mac, reaches: ['nn', beyond] },
      addresses: { 4: v4.hv, 6: v6.hv },
    },
    b: {
      ...{ node: 'nn', device: NN_UPLINK[hypervisor], mac: nnMac, reaches: [hypervisor] },
      addresses: { 4: v4.nn, 6: v6.nn },
    },
    lengths: { 4: v4.length, 6: v6.length },
  };
}

const BY_NETWORK_NODE: readonly UnderlayLink[] = [
  toNetworkNode('hv1', MAC.hv1Uplink, MAC.nnLeft, 'hv2'),
  toNetworkNode('hv2', MAC.hv2Uplink, MAC.nnRight, 'hv1'),
];

export function underlayLinks(networkNode: boolean): readonly UnderlayLink[] {
  return networkNode ? BY_NETWORK_NODE : DIRECT;
}

/** Of one end: addresses, the peer as a permanent neighbour, and routes to the locators beyond it. */
export function endCommands(end: UnderlayEnd, peer: UnderlayEnd, { lengths }: UnderlayLink): string[] {
  const { device, mac, addresses, reaches } = end;
  return [
    `link set ${device} address ${mac} mtu ${UNDERLAY_MTU} up`,
    `addr add ${addresses[4]}/${lengths[4]} dev ${device}`,
    `addr add ${addresses[6]}/${lengths[6]} dev ${device} nodad`,
    ...([4, 6] as const).map(
      (family) => `neigh replace ${peer.addresses[family]} lladdr ${peer.mac} dev ${device} nud permanent`,
    ),
    ...reaches.map((node) => `route add ${LOCATOR[node]} via ${peer.addresses[6]} dev ${device}`),
  ];
}

/** Outer source of what a node encapsulates. */
export function sourceCommand(node: UnderlayNode): string {
  return `addr add ${TUNNEL_SOURCE[node]}/128 dev lo nodad`;
}
