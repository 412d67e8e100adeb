/**
 * A flood of connections of one tenant, each of them new and opened once, while another tenant's connection goes on in between: what of
 * that is lost, and how fast the flood is taken.
 */
import { BpfObject, TestRun } from 'libbpf-ts';
import { MAX_HOPS } from '../../src/ebpf/resolve.js';
import * as layouts from '../../src/ebpf/generated/layouts.js';
import * as steering from '../../src/ebpf/generated/steering.js';
import { row, times } from './rows.js';
import { newSeeds } from '../../src/gateway/steering-maps.js';
import { address, encode, u32, writePolicies } from './steer-maps.js';
import { steerFrame } from './steer-frames.js';
import type { Effort, Row } from './rows.js';
import type { Flow } from './steer-frames.js';

const FLOWS = 10_000_000;
/** FLOOD_BURST of bpf/bench/nn_uplink_xdp.bpf.c: after so many of the flood's there is one packet of the connection beside it. */
const BURST = 31;
/** The last packet may be one that finds no place. */
const XDP_DROP = 1;
const XDP_REDIRECT = 4;
/** The tenant that floods, and the other one, whose connection is to a third. */
const [FLOODER, TARGET, THIRD] = [1, 2, 3] as const;
const TENANTS = [FLOODER, TARGET, THIRD] as const;
const MAY_OPEN = [
  { from: FLOODER, to: TARGET },
  { from: TARGET, to: THIRD },
] as const;

const sidOf = (tenant: number): string => `fd00:5e:9:4600:${tenant}::`;
const addressOf = (tenant: number): string => `10.0.${tenant}.2`;

function flowOf(from: number, to: number): Flow {
  return {
    ...{ from: addressOf(from), to: addressOf(to), sourcePort: 4000, destinationPort: 50_001 },
    ...{ outerSource: 'fd00:5e:1::1', sid: (direction) => sidOf(direction === 'ask' ? from : to) },
  };
}

/** A network node of three tenants. */
function fill(object: BpfObject): void {
  const source = address('fd00:5e:9::1');
  const hop = {
    ifindex: 500,
    mtu: 1600,
    destMac: Buffer.alloc(6),
    sourceMac: Buffer.alloc(6),
    flags: layouts.NexthopFlags.NH_XDP_XMIT,
    weight: 0,
  };
  // A test run's frames come in by lo.
  const lo = { ifindex: 1, mac: Buffer.alloc(6), unused: 0 };
  const none = { ...lo, ifindex: 0 };
  const uplinks = [lo, ...Array.from({ length: 7 }, () => none)];
  object
    .map('sg_node')
    .update(
      u32(0),
      encode(layouts.Node, { source, sidBlock: source, sidMask: source, hasTrusted: 0, unused: 0, uplinks }),
    );
  object.map('sg_domain_src').update(address('fd00:5e:1::1'), encode(layouts.Present, { unused: 0n }));
  object
    .map('sg_nn_config')
    .update(
      u32(0),
      encode(steering.NnConfig, { policyGeneration: 1n, nextSet: 100, self: 1, unused: 0, seeds: newSeeds() }),
    );
  const hops = Array.from({ length: MAX_HOPS }, () => hop);
  const underlay = { count: 1, length: 48, dest: source, hops, slots: Buffer.alloc(64) };
  object.map('sg_nh_groups').update(u32(1), encode(layouts.NexthopGroup, underlay));
  for (const tenant of TENANTS) {
    const zone = { id: tenant, slot: tenant, gateway: 0, mtu: 0, flags: 0 };
    object.map('sg_gw_sids').update(address(sidOf(tenant)), encode(steering.Zone, zone));
    const encap = { first: address(`fd00:5e:1:4600:${tenant}::`), nexthopGroup: 1, srhBytes: 0, lastEntry: 0 };
    object.map('sg_encaps').update(u32(tenant), encode(layouts.Encap, { ...encap, srh: Buffer.alloc(56) }));
    const member = { tenant, family: layouts.Family.FAMILY_INET, address: address(addressOf(tenant)) };
    const target = { type: layouts.EndpointType.EP_REMOTE, id: tenant };
    object.map('sg_endpoints').update(encode(layouts.EndpointKey, member), encode(layouts.Endpoint, target));
    for (const { from, to } of MAY_OPEN) {
      if (from !== tenant && to !== tenant) continue;
      const key = { ...member, length: 64 + 32, tenant: from === tenant ? to : from };
      object.map('sg_zone_routes').update(encode(layouts.PrefixKey, key), encode(steering.Zone, zone));
    }
  }
  writePolicies(
    object,
    MAY_OPEN.map(({ from, to }) => ({
      ...{ from, to },
      policy: {
        ...{ name: `${from}-${to}`, from: { tenant: `t${from}` }, to: { tenant: `t${to}` } },
        ...{ protocol: 'udp', action: 'allow', priority: 1 },
      },
    })),
  );
}

/** Fields of struct tally, by their place. */
const TALLY = { flooded: 1, refused: 2, beside: 3, lost: 4 } as const;

/** @param objectPath of bench/nn_uplink_xdp */
export function measureFlood(objectPath: string, effort: Effort): Row[] {
  const object = BpfObject.load(objectPath, { rodata: { is_hypervisor: false } });
  fill(object);
  try {
    const beside = flowOf(TARGET, THIRD);
    const frames = [steerFrame(beside, 'ask'), steerFrame(beside, 'answer'), steerFrame(flowOf(FLOODER, TARGET))];
    for (const [index, frame] of frames.entries()) object.map('frames').update(u32(index), frame);
    const packets = Math.ceil((times(FLOWS, effort) * (BURST + 1)) / BURST);
    const { verdict, duration } = new TestRun(object.program('flood'), { data: steerFrame(), repeat: packets }).run();
    const tally = object.map('tallies').lookup(u32(0));
    const of = (field: keyof typeof TALLY): number => Number(tally?.readBigUInt64LE(8 * TALLY[field]) ?? -1n);
    if ((verdict !== XDP_REDIRECT && verdict !== XDP_DROP) || of('flooded') < times(FLOWS, effort)) {
      throw new Error(`the flood: verdict ${verdict}, ${of('flooded')} opened, ${of('refused')} refused`);
    }
    const what = `steering: beside ${of('flooded')} random new connections of another tenant`;
    return [
      row(`${what}, packets of an established one`, 'packets', [of('beside')]),
      row(`${what}, of these lost`, 'packets', [of('lost')]),
      row(`${what}, of those refused`, 'packets', [of('refused')]),
      row('steering: that flood and the packets beside it', 'ns/packet', [duration]),
    ];
  } finally {
    object.close();
  }
}
