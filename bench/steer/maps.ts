/** Maps of a chain with a network node: tenant red at hv1, blue at hv2, and what the network node decides between them by. */
import { EndpointType } from '../../src/ebpf/generated/layouts.js';
import { INNER, MAC, TUNNEL_SOURCE, UNDERLAY_MTU } from '../chain/names.js';
import { MapFiller, onlyHop } from '../lib/map-filler.js';
import { UDP_PORT } from '../packets/frame.js';
import { fillNode, fillRemoteEndpoints, hostOrPrefix, SIDES } from '../paths/fast-maps.js';
import type { BpfObject } from 'libbpf-ts';
import type { Side } from '../paths/fast-maps.js';
import type { Policy } from '../../src/gateway/types.js';

export const RED = { id: 100, slot: 0, sid: 'fd00:5e:1:4600:64::', gatewaySid: 'fd00:5e:9:4600:64::' } as const;
export const BLUE = { id: 200, slot: 1, sid: 'fd00:5e:2:4600:c8::', gatewaySid: 'fd00:5e:9:4600:c8::' } as const;
const GATEWAY = 3;
const BLUE_ENCAP = 2;
/** Number of the network node. */
const SELF = 7;

/** Who is where: as SIDES, but each has a tenant of its own and the network node knows the way to the other's. */
export const STEERED_SIDES: readonly Side[] = SIDES.map((side) => {
  const { id, sid, gatewaySid } = side.node === 'hv1' ? RED : BLUE;
  const steered = { gateway: GATEWAY, node: SELF, source: TUNNEL_SOURCE.nn };
  const peerMac = side.node === 'hv1' ? MAC.nnLeft : MAC.nnRight;
  return { ...side, tenant: id, sid, peerSid: gatewaySid, peerMac, steered };
});

/** What the VM may open: the generator's flows, and pings. */
const POLICIES: readonly Policy[] = (['udp', 'icmp'] as const).map((protocol) => ({
  name: `red-blue-${protocol}`,
  from: { tenant: 'red' },
  to: { tenant: 'blue', prefixes: [INNER[4].sinkPrefix, INNER[6].sinkPrefix] },
  protocol,
  ...(protocol === 'udp' && { ports: [UDP_PORT] }),
  action: 'allow',
  priority: 1000,
}));

/** Fills the network node's maps. @param endpoints so many of blue's addresses have an entry each, besides their prefix's */
export function fillNetworkNode(
  object: BpfObject,
  uplinks: Readonly<Record<'hv1' | 'hv2', number>>,
  endpoints = 0,
): void {
  const filler = new MapFiller((name) => object.map(name));
  fillNode(filler, 'nn', [
    { index: uplinks.hv1, mac: MAC.nnLeft },
    { index: uplinks.hv2, mac: MAC.nnRight },
  ]);
  filler.networkNodeConfig(SELF);
  const ends = [
    { ...RED, encap: 1, uplink: uplinks.hv1, destMac: MAC.hv1Uplink, sourceMac: MAC.nnLeft, side: SIDES[0] },
    { ...BLUE, encap: BLUE_ENCAP, uplink: uplinks.hv2, destMac: MAC.hv2Uplink, sourceMac: MAC.nnRight, side: SIDES[1] },
  ];
  for (const { id, slot, sid, gatewaySid, encap, uplink, destMac, sourceMac, side } of ends) {
    const hop = onlyHop({ ifindex: uplink, mtu: UNDERLAY_MTU, destMac, sourceMac });
    filler.nexthopGroup(encap, { destination: sid, length: 128, hops: [hop] });
    filler.encap(encap, [sid], encap);
    const zone = { id, slot, gateway: GATEWAY };
    filler.gatewaySid(gatewaySid, zone);
    const other = id === RED.id ? BLUE.id : RED.id;
    for (const prefix of side?.local ?? []) {
      filler.endpoint(id, hostOrPrefix(prefix), { type: EndpointType.EP_REMOTE, id: encap });
      filler.zoneRoute(other, prefix, zone);
    }
  }
  filler.maglev(GATEWAY, () => SELF);
  filler.networkNodeState(SELF, true);
  filler.networkNodeSource(TUNNEL_SOURCE.nn, SELF);
  filler.policies(POLICIES.map((policy) => ({ from: RED.id, to: BLUE.id, policy })));
  fillRemoteEndpoints(object, BLUE.id, BLUE_ENCAP, endpoints);
  filler.forget();
}
