/** Ways from a VM of one tenant, by a network node that decides, to a VM of another: chains of gen – hv1 – nn – hv2 – sink. */
import { outputOf } from '../../lab/process.js';
import { attachXdp, BpfObject } from 'libbpf-ts';
import { rodataOf } from '../../src/ebpf/programs.js';
import { machineSizes, steeringSizes } from '../../src/ebpf/maps.js';
import { INNER, MAC, NN_UNDERLAY, NN_UPLINK, PORT, UPLINK, VM } from '../chain/names.js';
import { attachRedirect } from '../packets/programs.js';
import { objectFile, startHypervisor } from '../paths/fast.js';
import { UDP_PORT } from '../packets/frame.js';
import { routeEndpoints } from '../paths/endpoints.js';
import { NOTHING_HELD } from '../paths/path.js';
import { fillNetworkNode, STEERED_SIDES } from './maps.js';
import { kernelLeaking } from './kernel.js';
import type { Chain } from '../chain/chain.js';
import type { UnderlayNode } from '../chain/names.js';
import type { Path } from '../paths/path.js';

const OUTER_HEADER_BYTES = 40;

const ceiling: Path = {
  name: 'ceiling',
  describe:
    'bare XDP redirect at all three hops with new MAC addresses: no lookup, no tunnel, no decision, no statistics',
  tcp: false,
  overhead: 0,
  async setUp(chain) {
    // A frame can only be redirected out of a device that has NAPI at its other end.
    await chain.offload('sink', VM, ['gro', 'on']);
    const hop = (node: UnderlayNode, from: string, to: string, destination: string, source: string) =>
      attachRedirect({
        hook: 'xdp',
        toPeer: false,
        netns: chain.netns(node),
        from: chain.ifindex(node, from),
        to: chain.ifindex(node, to),
        destination,
        source,
      });
    const attached = [
      hop('hv1', PORT, UPLINK, MAC.nnLeft, MAC.hv1Uplink),
      hop('hv1', UPLINK, PORT, MAC.gen, MAC.hv1Port),
      hop('nn', NN_UPLINK.hv1, NN_UPLINK.hv2, MAC.hv2Uplink, MAC.nnRight),
      hop('nn', NN_UPLINK.hv2, NN_UPLINK.hv1, MAC.hv1Uplink, MAC.nnLeft),
      hop('hv2', UPLINK, PORT, MAC.sink, MAC.hv2Port),
      hop('hv2', PORT, UPLINK, MAC.nnRight, MAC.hv2Uplink),
    ];
    return {
      tearDown() {
        for (const one of attached) one.close();
      },
    };
  },
};

const plain: Path = {
  name: 'plain',
  describe: 'plain kernel routing at all three hops: no tunnel, no decision',
  tcp: true,
  overhead: 0,
  async setUp(chain) {
    for (const family of [4, 6] as const) {
      const { hv1, hv2 } = { hv1: NN_UNDERLAY.hv1[family], hv2: NN_UNDERLAY.hv2[family] };
      const { sinkPrefix, genPrefix } = INNER[family];
      await chain.ip('hv1', [`route add ${sinkPrefix} via ${hv1.nn} dev ${UPLINK}`]);
      await chain.ip('nn', [
        `route add ${sinkPrefix} via ${hv2.hv} dev ${NN_UPLINK.hv2}`,
        `route add ${genPrefix} via ${hv1.hv} dev ${NN_UPLINK.hv1}`,
      ]);
      await chain.ip('hv2', [`route add ${genPrefix} via ${hv2.nn} dev ${UPLINK}`]);
    }
    await routeEndpoints(chain, 'hv1', [`via ${NN_UNDERLAY.hv1[4].nn} dev ${UPLINK}`]);
    await routeEndpoints(chain, 'nn', [`via ${NN_UNDERLAY.hv2[4].hv} dev ${NN_UPLINK.hv2}`]);
    await routeEndpoints(chain, 'hv2', [`via ${INNER[4].sinkLink} dev ${PORT}`]);
    return NOTHING_HELD;
  },
};

/** What may open a connection, and then all of it. */
const CONNTRACK_RULES = `table inet steer {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    ip daddr ${INNER[4].sinkPrefix} udp dport ${UDP_PORT} accept
    ip6 daddr ${INNER[6].sinkPrefix} udp dport ${UDP_PORT} accept
    meta l4proto { icmp, icmpv6 } accept
  }
}
`;

/** Measured when it is asked for by name: the kernel's decision without a tunnel, on a kernel that has no VRF. */
export const plainConntrack: Path = {
  ...plain,
  name: 'plain-conntrack',
  describe: 'the same with nftables and connection tracking at the middle hop: no tunnel',
  async setUp(chain) {
    const held = await plain.setUp(chain);
    await outputOf(chain.netns('nn'), ['nft', '-f', '-'], { input: CONNTRACK_RULES });
    return held;
  },
};

/** The network node's program at both its links. @returns what is closed in this order */
function startNetworkNode(chain: Chain, anySource: boolean): { close(): void }[] {
  const netns = chain.netns('nn');
  const uplinks = { hv1: chain.ifindex('nn', NN_UPLINK.hv1), hv2: chain.ifindex('nn', NN_UPLINK.hv2) };
  const object = BpfObject.load(objectFile('nn_uplink_xdp'), {
    rodata: rodataOf('nn_uplink_xdp', { anySource }),
    maps: { ...machineSizes(), ...steeringSizes() },
  });
  fillNetworkNode(object, uplinks, chain.options.endpoints);
  const program = object.program('segue_steer_xdp');
  const links = Object.values(uplinks).map((ifindex) =>
    attachXdp(program, { interface: ifindex, netns, mode: 'native' }),
  );
  return [...links, object];
}

const steered = (name: string, anySource: boolean, describe: string): Path => ({
  name,
  describe,
  tcp: false,
  overhead: OUTER_HEADER_BYTES,
  async setUp(chain) {
    for (const end of ['gen', 'sink'] as const) await chain.offload(end, VM, ['gro', 'on']);
    const held = STEERED_SIDES.flatMap((side) => startHypervisor(chain, side, { hook: 'xdp', anySource }));
    held.push(...startNetworkNode(chain, anySource));
    return {
      tearDown() {
        for (const one of held) one.close();
      },
    };
  },
});

const segueSteer = steered(
  'segue',
  false,
  "segue's programs at XDP of all three hops: encapsulation, policy and connections at the network node, decapsulation",
);
/** Measured when it is asked for by name. */
export const steerAnySource = steered(
  'segue-any-source',
  true,
  'the same, with packets of whatever outer source taken at both uplinks',
);

/** On a kernel without VRF. */
export const NATIVE_STEER_PATHS: readonly Path[] = [ceiling, plain, segueSteer];
export const VM_STEER_PATHS: readonly Path[] = [ceiling, plain, kernelLeaking, segueSteer];
