/** segue's fast path: the programs of bpf/ with maps filled for the chain, without the agent. */
import { fileURLToPath } from 'node:url';
import { attachTcx, attachXdp, BpfObject } from '../../src/libbpf/index.js';
import { machineSizes } from '../../src/ebpf/maps.js';
import { PORT, UPLINK, VM } from '../chain/names.js';
import { fill, fillLarge, LARGE, SIDES } from './fast-maps.js';
import { seg6EncapRed } from './seg6.js';
import type { Chain } from '../chain/chain.js';
import type { Side } from './fast-maps.js';
import type { Path, SetUp } from './path.js';

const OUTER_HEADER_BYTES = 40;

/** The hook that programs are attached to. */
type Hook = 'tcx' | 'xdp';

function objectFile(name: string): string {
  return fileURLToPath(new URL(`../../bpf/${name}.o`, import.meta.url));
}

interface Kind {
  hook: Hook;
  /** with the maps of a large cloud */
  large?: boolean;
}

/** Programs and maps of one hypervisor. */
function start(chain: Chain, side: Side, { hook, large }: Kind): { close(): void }[] {
  const netns = chain.netns(side.node);
  const port = chain.ifindex(side.node, PORT);
  const uplink = chain.ifindex(side.node, UPLINK);
  const first = BpfObject.load(objectFile(hook === 'xdp' ? 'port_xdp' : 'port'), { maps: machineSizes() });
  fill(first, side, port, uplink, chain.options.tenantMtu);
  if (large) fillLarge(first, side, port);
  const second = BpfObject.open(objectFile(hook === 'xdp' ? 'uplink_xdp' : 'uplink_tc'));
  for (const name of second.mapNames) {
    if (first.mapNames.includes(name) && !name.includes('.')) second.configureMap(name, { reuse: first.map(name) });
  }
  second.load();
  const attach = (object: BpfObject, program: string, ifindex: number) =>
    hook === 'xdp'
      ? attachXdp(object.program(program), { interface: ifindex, netns, mode: 'native' })
      : attachTcx(object.program(program), { interface: ifindex, netns, direction: 'ingress' });
  const links = [
    attach(first, hook === 'xdp' ? 'segue_port_xdp' : 'segue_port', port),
    attach(second, hook === 'xdp' ? 'segue_uplink_xdp' : 'segue_uplink_tc', uplink),
  ];
  return [...links, second, first];
}

function fast(name: string, kind: Kind, describe: string): Path {
  const { hook, large } = kind;
  return {
    name,
    describe,
    // Frames that XDP redirects have lost the checksum that a veth left to be made.
    tcp: hook === 'tcx' && large !== true,
    overhead: OUTER_HEADER_BYTES,
    async setUp(chain): Promise<SetUp> {
      // A frame can only be redirected out of a device that has NAPI at its other end.
      if (hook === 'xdp') await chain.offload('sink', VM, ['gro', 'on']);
      // What the programs hand on goes by the kernel: the SYNs of TCP do.
      await seg6EncapRed.setUp(chain);
      const held = SIDES.flatMap((side) => start(chain, side, kind));
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
const ports = LARGE.tenants * LARGE.portsPerTenant;
export const fastXdpLarge = fast(
  'segue-xdp-large',
  { hook: 'xdp', large: true },
  `the same with ${ports.toLocaleString('en')} remote ports of ${LARGE.tenants.toLocaleString('en')} tenants in the maps`,
);
