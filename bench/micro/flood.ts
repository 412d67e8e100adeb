/**
 * A flood of connections of one tenant, each of them new and opened once, while another tenant's connection goes on in between: what of
 * that is lost, and how fast the flood is taken.
 */
import { BpfObject, TestRun } from 'libbpf-ts';
import { EndpointType } from '../../src/ebpf/generated/layouts.js';
import { row, times } from './rows.js';
import { MapFiller, onlyHop, u32 } from '../lib/map-filler.js';
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

/** lo's. */
const NO_MAC = '00:00:00:00:00:00';

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
  const source = 'fd00:5e:9::1';
  const filler = new MapFiller((name) => object.map(name));
  // A test run's frames come in by lo.
  filler.node({ source, sidBlock: `${source}/128`, uplinks: [{ index: 1, mac: NO_MAC }] });
  filler.domainSource('fd00:5e:1::1');
  filler.networkNodeConfig(1);
  const hop = onlyHop({ ifindex: 500, mtu: 1600, destMac: NO_MAC, sourceMac: NO_MAC });
  filler.nexthopGroup(1, { destination: source, length: 48, hops: [hop] });
  for (const tenant of TENANTS) {
    const zone = { id: tenant, slot: tenant };
    filler.gatewaySid(sidOf(tenant), zone);
    filler.encap(tenant, [`fd00:5e:1:4600:${tenant}::`], 1);
    filler.endpoint(tenant, addressOf(tenant), { type: EndpointType.EP_REMOTE, id: tenant });
    for (const { from, to } of MAY_OPEN) {
      if (from !== tenant && to !== tenant) continue;
      filler.zoneRoute(from === tenant ? to : from, `${addressOf(tenant)}/32`, zone);
    }
  }
  filler.policies(
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
