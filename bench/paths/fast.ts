/** segue's fast path: the programs of bpf/ with maps filled for the chain, without the agent. */
import { fileURLToPath } from 'node:url';
import { attachTcx, attachXdp, BpfObject, type MapConfiguration } from 'libbpf-ts';
import { machineSizes } from '../../src/ebpf/maps.js';
import { PORT, UPLINK, VM } from '../chain/names.js';
import { fill, fillEndpoints, fillLarge, LARGE, PORT_FLAGS, SIDES } from './fast-maps.js';
import { DX4_NEXT_HOP, seg6EncapRed } from './seg6.js';
import type { Chain } from '../chain/chain.js';
import type { Side } from './fast-maps.js';
import type { Path, SetUp } from './path.js';

const OUTER_HEADER_BYTES = 40;

/** Where programs are: at tcx; at XDP, port and uplink; at tcx, and at the uplink's XDP as well, as the agent does with `xdp: always`. */
type Hook = 'tcx' | 'xdp' | 'both';

interface Placed {
  object: string;
  program: string;
  at: 'port' | 'uplink';
  hook: 'tcx' | 'xdp';
}

const PORT_TCX: Placed = { object: 'port_tc', program: 'segue_port', at: 'port', hook: 'tcx' };
const PORT_XDP: Placed = { object: 'port_xdp', program: 'segue_port_xdp', at: 'port', hook: 'xdp' };
const UPLINK_TCX: Placed = { object: 'uplink_tc', program: 'segue_uplink_tc', at: 'uplink', hook: 'tcx' };
const UPLINK_XDP: Placed = { object: 'uplink_xdp', program: 'segue_uplink_xdp', at: 'uplink', hook: 'xdp' };
const PLACED: Readonly<Record<Hook, readonly Placed[]>> = {
  tcx: [PORT_TCX, UPLINK_TCX],
  xdp: [PORT_XDP, UPLINK_XDP],
  both: [PORT_TCX, UPLINK_XDP, UPLINK_TCX],
};

export function objectFile(name: string): string {
  return fileURLToPath(new URL(`../../bpf/${name}.o`, import.meta.url));
}

interface Kind {
  hook: Hook;
  /** with the maps of a large cloud */
  large?: boolean;
  /** Packets are taken from whatever outer source (`sourceCheck: false`). */
  anySource?: boolean;
}

/** Programs and maps of one hypervisor. @returns what is closed in this order */
export function startHypervisor(
  chain: Chain,
  side: Side,
  { hook, large, anySource = false }: Kind,
): { close(): void }[] {
  const netns = chain.netns(side.node);
  const isTap = side.node === 'hv2' && chain.options.tapCpu !== undefined;
  const devices = {
    port: chain.ifindex(side.node, PORT),
    uplink: chain.ifindex(side.node, UPLINK),
    portFlags: isTap ? PORT_FLAGS.tap : PORT_FLAGS.veth,
  };
  const held: { close(): void }[] = [];
  let maps: Record<string, MapConfiguration> = machineSizes();
  for (const { object: file, program, at, hook: attachTo } of PLACED[hook]) {
    const object = BpfObject.open(objectFile(file));
    for (const [name, configuration] of Object.entries(maps)) {
      if (object.mapNames.includes(name)) object.configureMap(name, configuration);
    }
    if (side.steered !== undefined) object.setRodata({ use_gateways: true });
    if (at === 'uplink') object.setRodata({ check_sources: !anySource });
    object.load();
    if (held.length === 0) {
      fill(object, side, devices, chain.options.tenantMtu);
      if (large) fillLarge(object, side, devices.port);
      const { endpoints } = chain.options;
      if (endpoints !== undefined) fillEndpoints(object, side, devices.port, endpoints);
      const shared = object.mapNames.filter((name) => !name.includes('.'));
      maps = Object.fromEntries(shared.map((name) => [name, { reuse: object.map(name) }]));
    }
    const where = { interface: devices[at], netns };
    const handle = object.program(program);
    // Links go before what they are links of.
    held.unshift(object);
    held.unshift(
      attachTo === 'xdp'
        ? attachXdp(handle, { ...where, mode: 'native' })
        : attachTcx(handle, { ...where, direction: 'ingress' }),
    );
  }
  return held;
}

function fast(name: string, kind: Kind, describe: string): Path {
  const { hook } = kind;
  return {
    name,
    describe,
    // Frames that XDP redirects have lost the checksum that a veth left to be made.
    tcp: hook !== 'xdp',
    overhead: OUTER_HEADER_BYTES,
    async setUp(chain): Promise<SetUp> {
      if (kind.large && chain.options.endpoints !== undefined) {
        throw new RangeError(`path ${name}: expected no --endpoints, its maps are full`);
      }
      // A frame can only be redirected out of a device that has NAPI at its other end.
      for (const end of hook === 'tcx' ? [] : (['gen', 'sink'] as const)) await chain.offload(end, VM, ['gro', 'on']);
      // What the programs hand on goes by the kernel: the SYNs of TCP do.
      await seg6EncapRed.setUp(chain);
      for (const { node, sid } of SIDES) {
        // So does what is for a TAP and merged already; of IPv4 alone, for want of a VRF.
        await chain.ip(node, [`route add ${sid}/128 encap seg6local action End.DX4 nh4 ${DX4_NEXT_HOP} dev ${PORT}`]);
      }
      const held = SIDES.flatMap((side) => startHypervisor(chain, side, kind));
      return {
        tearDown() {
          for (const one of held) one.close();
        },
      };
    },
  };
}

export const fastTcx = fast(
  'segue-tcx',
  { hook: 'tcx' },
  "segue's fast path at tcx of ports and uplinks, with counters",
);
export const fastXdp = fast(
  'segue-xdp',
  { hook: 'xdp' },
  "segue's fast path at XDP of ports and uplinks, with counters",
);
export const fastBoth = fast(
  'segue-both',
  { hook: 'both' },
  "segue's fast path at tcx of ports and at XDP and tcx of uplinks, with counters",
);
/** To be compared with those that check outer sources. */
export const fastTcxAnySource = fast(
  'segue-tcx-any-source',
  { hook: 'tcx', anySource: true },
  "segue's fast path at tcx, with packets of whatever outer source taken",
);
export const fastXdpAnySource = fast(
  'segue-xdp-any-source',
  { hook: 'xdp', anySource: true },
  "segue's fast path at XDP, with packets of whatever outer source taken",
);
const ports = LARGE.tenants * LARGE.portsPerTenant;
export const fastXdpLarge = fast(
  'segue-xdp-large',
  { hook: 'xdp', large: true },
  `the same with ${ports.toLocaleString('en')} remote ports of ${LARGE.tenants.toLocaleString('en')} tenants in the maps`,
);
