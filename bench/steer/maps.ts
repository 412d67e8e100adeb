/** Maps of a chain with a network node: tenant red at hv1, blue at hv2, and what the network node decides between them by. */
import { type BpfObject, U32 } from 'libbpf-ts';
import {
  Encap,
  NexthopFlags,
  EndpointKey,
  PrefixKey,
  Endpoint,
  EndpointType,
  NexthopGroup,
} from '../../src/ebpf/generated/layouts.js';
import * as steering from '../../src/ebpf/generated/steering.js';
import { MAGLEV_SLOTS } from '../../src/gateway/maglev.js';
import { nextCacheGeneration } from '../../src/ebpf/epoch.js';
import { INNER, MAC, TUNNEL_SOURCE, UNDERLAY_MTU } from '../chain/names.js';
import { newSeeds } from '../../src/gateway/steering-maps.js';
import { writePolicies } from '../micro/steer-maps.js';
import { UDP_PORT } from '../packets/frame.js';
import {
  bytes16,
  fillNode,
  fillRemoteEndpoints,
  IN6,
  KEY_BITS,
  mac,
  put,
  SIDES,
  splitPrefix,
  underlayOf,
} from '../paths/fast-maps.js';
import type { Policy } from '../../src/intent/types.js';
import type { Side } from '../paths/fast-maps.js';

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
  const put1 = <V>(name: string, codec: Parameters<typeof put<number, V>>[3], key: number, value: V): void => {
    put(object.map(name), U32, key, codec, value);
  };
  fillNode(object, 'nn', [
    { ifindex: uplinks.hv1, mac: MAC.nnLeft },
    { ifindex: uplinks.hv2, mac: MAC.nnRight },
  ]);
  put1('sg_nn_config', steering.NnConfig, 0, {
    policyGeneration: 1n,
    nextSet: 100,
    self: SELF,
    unused: 0,
    seeds: newSeeds(),
  });
  const ends = [
    { ...RED, encap: 1, uplink: uplinks.hv1, destMac: MAC.hv1Uplink, sourceMac: MAC.nnLeft, side: SIDES[0] },
    { ...BLUE, encap: BLUE_ENCAP, uplink: uplinks.hv2, destMac: MAC.hv2Uplink, sourceMac: MAC.nnRight, side: SIDES[1] },
  ];
  for (const { id, slot, sid, gatewaySid, encap, uplink, destMac, sourceMac, side } of ends) {
    const hop = {
      ifindex: uplink,
      mtu: UNDERLAY_MTU,
      destMac: mac(destMac),
      sourceMac: mac(sourceMac),
      flags: NexthopFlags.NH_XDP_XMIT,
    };
    const first = bytes16(sid);
    put1('sg_nh_groups', NexthopGroup, encap, underlayOf(first, hop));
    put1('sg_encaps', Encap, encap, { first, nexthopGroup: encap, srhBytes: 0, lastEntry: 0, srh: new Uint8Array(56) });
    const zone = { id, slot, gateway: GATEWAY, mtu: 0, flags: 0 };
    put(object.map('sg_gw_sids'), IN6, bytes16(gatewaySid), steering.Zone, zone);
    const other = id === RED.id ? BLUE.id : RED.id;
    for (const prefix of side?.local ?? []) {
      const { family, address, length, host } = splitPrefix(prefix);
      const target = { type: EndpointType.EP_REMOTE, id: encap };
      const key = { length: KEY_BITS + length, tenant: id, family, address };
      if (host) put(object.map('sg_endpoints'), EndpointKey, key, Endpoint, target);
      else put(object.map('sg_endpoint_lpm'), PrefixKey, key, Endpoint, target);
      put(object.map('sg_zone_routes'), PrefixKey, { ...key, tenant: other }, steering.Zone, zone);
    }
  }
  const nodes = Array.from({ length: MAGLEV_SLOTS }, () => SELF);
  put1('sg_maglev', steering.Maglev, GATEWAY, { active: nodes, all: nodes, unused: [0, 0] });
  put1('sg_nn_state', steering.NetworkNode, SELF, { isUp: 1, unused: 0 });
  put(object.map('sg_nn_src'), IN6, bytes16(TUNNEL_SOURCE.nn), U32, SELF);
  writePolicies(
    object,
    POLICIES.map((policy) => ({ from: RED.id, to: BLUE.id, policy })),
  );
  fillRemoteEndpoints(object, BLUE.id, BLUE_ENCAP, endpoints);
  nextCacheGeneration(object.map('sg_cache_gen'));
}
