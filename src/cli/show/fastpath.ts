import { column, renderTable } from '../table.js';
import { attachments, foreignTcx, mapFills, underlayPaths } from '../../observe/inspect/fastpath.js';
import { heldPorts } from '../../observe/inspect/ports.js';
import { ZoneNames } from '../../observe/inspect/zones.js';
import { missingForFastpath } from '../../ebpf/available.js';
import { programNamed } from '../../ebpf/programs.js';
import { probe } from 'libbpf-ts';
import { linkState } from '../../observe/inspect/format.js';
import type { AttachedProgram, MapFill, UnderlayPath } from '../../observe/inspect/fastpath.js';
import type { BpfHook } from '../../ebpf/objects.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { Shown } from './view.js';

/** An interface that programs of the fast path sit at, or would. */
export interface FastpathDevice {
  device: string;
  /** `external`: of a network node, the interface of an external network. */
  role: 'uplink' | 'port' | 'external';
  state: 'up' | 'down' | 'no-carrier' | 'missing';
  /** segue's program on tcx ingress. */
  tcx: AttachedProgram | null;
  /** Of a network node, before it: what decides about packets to gateways' SIDs. */
  steering: AttachedProgram | null;
  /** segue's XDP program. */
  xdp: (AttachedProgram & { mode: XdpModeName }) | null;
  /** Ids of programs that somebody else attached. */
  foreignTcx: number[];
  foreignXdp: number | null;
}

/** `segue show fastpath -j` */
export interface Fastpath {
  /** `dataplane` of the node file. */
  configured: string;
  /**
   * What forwards: `kernel` is VRF, seg6 and seg6local; `hybrid` the fast path, and these for the rest; `ebpf` it alone; `none`: there are
   * neither VRFs nor programs.
   */
  running: 'none' | 'kernel' | 'hybrid' | 'ebpf';
  /** Why what is pinned cannot be read: what runs is then not known. */
  unreadable: string | null;
  /** Ports that the intent has on this node; null when it cannot be read. */
  ports: number | null;
  /** Where the kernel forwards: a program answers neighbour solicitations; else entries of proxy NDP, 256 a port at most. */
  responder: boolean;
  /** Why the machine has no fast path although the node file asks for one. */
  missing: string | null;
  devices: FastpathDevice[];
  maps: MapFill[];
  ways: UnderlayPath[];
}

/** IFLA_XDP_ATTACHED (linux/if_link.h) in iproute2's words. */
const XDP_MODE_NAMES = ['none', 'native', 'generic', 'offload', 'multi'] as const;
export type XdpModeName = (typeof XDP_MODE_NAMES)[number];

const programText = (program: AttachedProgram): string => `${program.name} id ${program.id} tag ${program.tag}`;

export const FASTPATH_COLUMNS = [
  column<FastpathDevice>('DEV', ({ device }) => device),
  column<FastpathDevice>('ROLE', ({ role }) => role),
  column<FastpathDevice>('STATE', ({ state }) => state.toUpperCase()),
  column<FastpathDevice>('TCX', ({ steering, tcx }) =>
    [steering, tcx].flatMap((program) => (program === null ? [] : [programText(program)])).join(', '),
  ),
  column<FastpathDevice>('XDP', ({ xdp }) => (xdp === null ? undefined : `${programText(xdp)} ${xdp.mode}`)),
  column<FastpathDevice>('FOREIGN', ({ foreignTcx: tcx, foreignXdp }) =>
    [...tcx.map((id) => `tcx id ${id}`), ...(foreignXdp === null ? [] : [`xdp id ${foreignXdp}`])].join(' '),
  ),
];

export const MAP_COLUMNS = [
  column<MapFill>('MAP', ({ map }) => map),
  column<MapFill>('ENTRIES', ({ entries }) => entries),
  column<MapFill>('SIZE', ({ size }) => size),
];

export const WAY_COLUMNS = [
  column<UnderlayPath>('TO', ({ to }) => to),
  column<UnderlayPath>('VIA', ({ hops }) =>
    hops.length === 0
      ? 'unresolved'
      : hops.map(({ device, lladdr, mtu }) => `dev ${device} lladdr ${lladdr} mtu ${mtu}`).join(', '),
  ),
];

export function fastpathOf({ kernel, config, names, intent, unreadable }: ShowContext): Fastpath {
  const attached = attachments(kernel);
  const own = new Set(attached.map(({ program }) => program.id));
  const missing = missingForFastpath(kernel.fastpath.pinDirectory);
  const tcxThere = unreadable === undefined && missing === undefined && probe.has('tcx');
  const responds = attached.some(({ program }) => programNamed(program.name) === 'ndp_responder_tc');
  const device = (name: string, role: FastpathDevice['role']): FastpathDevice => {
    const link = kernel.links.get(name);
    const at = (hook: BpfHook): AttachedProgram | undefined =>
      attached.find((one) => one.device === name && one.hook === hook)?.program;
    const xdp = at('xdp');
    const mode = XDP_MODE_NAMES[link?.xdp?.attached ?? 0] ?? 'multi';
    return {
      device: name,
      role,
      state: link === undefined ? 'missing' : linkState(link),
      tcx: at('tcx') ?? null,
      steering: at('tcx-first') ?? null,
      xdp: xdp === undefined ? null : { ...xdp, mode },
      foreignTcx: link === undefined || !tcxThere ? [] : foreignTcx(kernel, link.index, own),
      foreignXdp: link?.xdp?.programId === xdp?.id ? null : (link?.xdp?.programId ?? null),
    };
  };
  const ports = heldPorts(kernel, names);
  // A mere network node has neither VRFs nor ports: what its node file says is as true as the other.
  const isAlone = names.vrfs.length === 0 && (ports.length > 0 || config.dataplane !== 'hybrid');
  const nothing = attached.length === 0 && names.vrfs.length === 0;
  const externals = new Set(
    (intent?.externals ?? [])
      .filter(({ gateway }) => intent?.gateways?.find(({ name }) => name === gateway)?.nodes.includes(config.node))
      .map((external) => external.interface),
  );
  return {
    configured: config.dataplane,
    running: nothing ? 'none' : attached.length === 0 || responds ? 'kernel' : isAlone ? 'ebpf' : 'hybrid',
    ports: intent === undefined ? null : intent.ports.filter(({ node }) => node === config.node).length,
    responder: responds,
    unreadable: unreadable ?? null,
    missing: config.dataplane === 'kernel' ? null : (missing ?? null),
    devices: [
      ...config.uplinks.map((name) => device(name, 'uplink')),
      ...ports.map(({ link }) => device(link.name, 'port')),
      ...[...externals].sort().map((name) => device(name, 'external')),
    ],
    maps: mapFills(kernel, new ZoneNames(names, intent)),
    ways: underlayPaths(kernel),
  };
}

export function showFastpath(context: ShowContext): Shown {
  const fastpath = fastpathOf(context);
  return { json: fastpath, lines: fastpathLines(fastpath) };
}

const RESPONDS = '; an eBPF program answers neighbour solicitations at each port';
const RUNNING: Readonly<Record<Exclude<Fastpath['running'], 'none'>, string>> = {
  kernel: 'kernel (VRF, seg6, seg6local)',
  hybrid: 'hybrid: eBPF programs, and the kernel (VRF, seg6, seg6local) for what they hand on',
  ebpf: 'ebpf: eBPF programs alone, what they do not take they drop',
};

function runningText({ running, responder, ports, unreadable }: Fastpath): string {
  if (unreadable !== null) return 'not known, as the fast path cannot be read';
  if (running === 'none') {
    if (ports === 0) return 'none: no port of the intent is on this node, so there is nothing to forward';
    return `none: neither VRFs nor eBPF programs of segue${ports === null ? '' : ': segue apply, or start the agent'}`;
  }
  return `${RUNNING[running]}${running === 'kernel' ? (responder ? RESPONDS : '; no eBPF programs of segue') : ''}`;
}

export function fastpathLines(fastpath: Fastpath): string[] {
  const { configured, running, missing, devices, maps, ways: underlays } = fastpath;
  const lines = [`data plane: ${runningText(fastpath)}`];
  if (missing !== null) lines.push(`the node file asks for "dataplane: ${configured}", and cannot have it: ${missing}`);
  else if (configured !== running && running !== 'none')
    lines.push(`the node file asks for "dataplane: ${configured}": segue apply`);
  const tables = [
    renderTable(FASTPATH_COLUMNS, devices),
    renderTable(MAP_COLUMNS, maps),
    renderTable(WAY_COLUMNS, underlays),
  ].filter((table) => table.length > 0);
  return [...lines, ...tables.flatMap((table, index) => (index === 0 ? table : ['', ...table]))];
}
