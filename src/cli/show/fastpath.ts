import { column, renderTable } from '../table.js';
import { foreignTcx, mapFills, underlayPaths } from '../../observe/inspect/fastpath.js';
import { attachments } from '../../ebpf/attachments.js';
import { heldPorts } from '../../observe/inspect/ports.js';
import { missingForFastpath } from '../../ebpf/available.js';
import { programNamed } from '../../ebpf/programs.js';
import { probe } from 'libbpf-ts';
import { linkState } from '../../kernel/links.js';
import type { UnderlayPath } from '../../observe/inspect/fastpath.js';
import type { AttachedProgram } from '../../ebpf/attachments.js';
import { OBSERVATIONS } from '../../app/features.js';
import type { DeviceRole, MapFill } from '../../reconcile/observation.js';
import type { BpfHook } from '../../ebpf/objects.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { Shown } from './view.js';

/** An interface with programs of the fast path, actual or planned. */
export interface FastpathDevice {
  device: string;
  /** `external`: the interface of an external network, on a network node. */
  role: DeviceRole;
  state: 'up' | 'down' | 'no-carrier' | 'missing';
  /** segue's program on tcx ingress. */
  tcx: AttachedProgram | null;
  /** On a network node: the program before it, which processes packets for gateways' SIDs. */
  steering: AttachedProgram | null;
  /** segue's XDP program. */
  xdp: (AttachedProgram & { mode: XdpModeName }) | null;
  /** Ids of programs of others. */
  foreignTcx: number[];
  foreignXdp: number | null;
}

/** `segue show fastpath -j` */
export interface Fastpath {
  /** `dataplane` of the node file. */
  configured: string;
  /**
   * The data plane that forwards: `kernel` is VRF, seg6 and seg6local; `hybrid` the fast path, and these for the rest; `ebpf` only the fast path;
   * `none`: there are neither VRFs nor programs.
   */
  running: 'none' | 'kernel' | 'hybrid' | 'ebpf';
  /** Why pinned objects cannot be read; the running data plane is then unknown. */
  unreadable: string | null;
  /** Number of the intent's ports on this node; null if the intent cannot be read. */
  ports: number | null;
  /** In kernel mode: whether a program answers neighbour solicitations, rather than proxy NDP entries, at most 256 for each port. */
  responder: boolean;
  /** Why the machine has no fast path although the node file requests one. */
  missing: string | null;
  devices: FastpathDevice[];
  maps: MapFill[];
  ways: UnderlayPath[];
}

/** iproute2's names of IFLA_XDP_ATTACHED (linux/if_link.h). */
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

export function fastpathOf(context: ShowContext): Fastpath {
  const { kernel, config, names, intent, unreadable } = context;
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
  // A node that is only a network node has neither VRFs nor ports: the node file decides.
  const isAlone = names.vrfs.length === 0 && (ports.length > 0 || config.dataplane !== 'hybrid');
  const nothing = attached.length === 0 && names.vrfs.length === 0;
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
      ...OBSERVATIONS.flatMap(({ devices }) => devices?.(context) ?? []).map(({ name, role }) => device(name, role)),
    ],
    maps: mapFills(context),
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
  hybrid: 'hybrid: eBPF programs, and the kernel (VRF, seg6, seg6local) for packets that they do not take',
  ebpf: 'ebpf: eBPF programs alone, which drop packets that they do not take',
};

function runningText({ running, responder, ports, unreadable }: Fastpath): string {
  if (unreadable !== null) return 'unknown: the fast path cannot be read';
  if (running === 'none') {
    if (ports === 0) return 'none: no port of the intent is on this node, so there is nothing to forward';
    return `none: neither VRFs nor eBPF programs of segue${ports === null ? '' : ': segue apply, or start the agent'}`;
  }
  return `${RUNNING[running]}${running === 'kernel' ? (responder ? RESPONDS : '; no eBPF programs of segue') : ''}`;
}

export function fastpathLines(fastpath: Fastpath): string[] {
  const { configured, running, missing, devices, maps, ways: underlays } = fastpath;
  const lines = [`data plane: ${runningText(fastpath)}`];
  if (missing !== null)
    lines.push(`the node file asks for "dataplane: ${configured}", which is not possible: ${missing}`);
  else if (configured !== running && running !== 'none')
    lines.push(`the node file asks for "dataplane: ${configured}": segue apply`);
  const tables = [
    renderTable(FASTPATH_COLUMNS, devices),
    renderTable(MAP_COLUMNS, maps),
    renderTable(WAY_COLUMNS, underlays),
  ].filter((table) => table.length > 0);
  return [...lines, ...tables.flatMap((table, index) => (index === 0 ? table : ['', ...table]))];
}
