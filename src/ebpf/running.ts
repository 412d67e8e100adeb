/** Finds segue's programs at the hooks of the namespace's interfaces, wherever their links are pinned, if at all. */
import { BpfLink, BpfMap, BpfProgram, isLibbpfError, LibbpfError, listIds, probe, queryTcxAll } from 'libbpf-ts';
import { foreignMaster } from '../port/ours.js';
import { programNamed } from './programs.js';
import type { BpfHook, BpfProgramName } from './objects.js';
import type { Kernel } from '../kernel/kernel.js';

export interface RunningProgram {
  ifindex: number;
  hook: BpfHook;
  program: BpfProgramName;
  programId: number;
  /** 0 if attached without a link. */
  linkId: number;
}

/** A program of segue's was attached by others without a link, so segue cannot detach it. */
export class UnlinkedProgramError extends Error {
  readonly code = 'FASTPATH_UNLINKED';

  constructor(device: string, hook: BpfHook) {
    const direction = hook === 'tcx-egress' ? 'egress' : 'ingress';
    const where = hook === 'xdp' ? 'xdp' : `tcx ${direction}`;
    const remove =
      hook === 'xdp' ? `ip link set dev ${device} xdp off` : `bpftool net detach tcx_${direction} dev ${device}`;
    super(`${where} of ${device} has a program of segue's that was attached without a link: detach it (${remove})`);
    this.name = 'UnlinkedProgramError';
  }
}

/** A map that all programs of any build use: they all count verdicts. The second name is that of builds before map names had the prefix `sg_`. */
const COMMON_MAPS: readonly (string | undefined)[] = ['sg_verdicts', 'reasons'];

/**
 * Segue's programs at all interfaces of the namespace (`kernel.links` must be fresh), or at one.
 *
 * A program is recognised by its name and by the map in which it counts: pins may be gone, or hidden by another bpffs mounted over them. A
 * namespace belongs to one node, so programs that another node name left here count as well.
 *
 * @throws LibbpfError
 */
export function runningPrograms(kernel: Kernel, only?: number): RunningProgram[] {
  const links = [...kernel.links.all()].filter(({ index }) => only === undefined || index === only);
  const names = new Map<number, BpfProgramName | undefined>();
  const nameOf = (id: number): BpfProgramName | undefined => {
    if (!names.has(id)) names.set(id, ownName(id));
    return names.get(id);
  };
  const found: RunningProgram[] = [];
  if (hasTcx()) {
    const where = links.map(({ index }) => index);
    for (const [ifindex, programs] of queryTcxAll(where, 'ingress', kernel.netns)) {
      for (const { programId, linkId } of programs) {
        const program = nameOf(programId);
        if (program === undefined) continue;
        found.push({ ifindex, hook: program === 'nn_uplink_tc' ? 'tcx-first' : 'tcx', program, programId, linkId });
      }
    }
  }
  // At egress there are only programs that close detached ports: only interfaces with a foreign master are queried.
  const detached = links.filter(({ name }) => foreignMaster(kernel, name) !== undefined).map(({ index }) => index);
  if (detached.length > 0 && hasTcx()) {
    for (const [ifindex, programs] of queryTcxAll(detached, 'egress', kernel.netns)) {
      for (const { programId, linkId } of programs) {
        const program = nameOf(programId);
        if (program !== undefined) found.push({ ifindex, hook: 'tcx-egress', program, programId, linkId });
      }
    }
  }
  let xdpLinks: ReadonlyMap<string, number> | undefined;
  for (const { index: ifindex, xdp } of links) {
    const programId = xdp?.programId ?? 0;
    const program = programId === 0 ? undefined : nameOf(programId);
    if (program === undefined) continue;
    xdpLinks ??= linksOfXdp();
    found.push({ ifindex, hook: 'xdp', program, programId, linkId: xdpLinks.get(`${programId} ${ifindex}`) ?? 0 });
  }
  return found;
}

/** Opens the link of segue's program at a hook, if one runs there. The caller must close it. @throws UnlinkedProgramError, LibbpfError */
export function openRunning(kernel: Kernel, ifindex: number, hook: BpfHook): BpfLink | undefined {
  const one = runningPrograms(kernel, ifindex).find((running) => running.hook === hook);
  if (one === undefined) return undefined;
  if (one.linkId === 0) throw new UnlinkedProgramError(kernel.links.nameOf(ifindex), hook);
  return openLinkById(one.linkId);
}

/** Whether a link is still referenced. The kernel detaches an unreferenced link with a short delay (bpf_link_put). */
export function isLinkAlive(id: number): boolean {
  const link = openLinkById(id);
  link?.close();
  return link !== undefined;
}

/** @returns undefined if the link is gone; else the caller must close it. @throws LibbpfError */
export function openLinkById(id: number): BpfLink | undefined {
  return unlessGone(() => BpfLink.openById(id));
}

/** @returns undefined if nothing is pinned; else the caller must close it. @throws LibbpfError */
export function openPinnedLink(path: string): BpfLink | undefined {
  return unlessGone(() => BpfLink.openPinned(path));
}

/** Whether libbpf supports tcx; without libbpf this process can neither attach nor detach programs. */
function hasTcx(): boolean {
  try {
    return probe.has('tcx');
  } catch (error) {
    if (error instanceof LibbpfError) return false;
    throw error;
  }
}

function ownName(id: number): BpfProgramName | undefined {
  using program = unlessGone(() => BpfProgram.openById(id));
  if (program === undefined) return undefined;
  const { name, mapIds } = program.info();
  const own = programNamed(name);
  return own !== undefined && mapIds.some((mapId) => COMMON_MAPS.includes(nameOfMap(mapId))) ? own : undefined;
}

function nameOfMap(id: number): string | undefined {
  using map = unlessGone(() => BpfMap.openById(id));
  return map?.info.name;
}

/** Ids of the machine's XDP links by `<program id> <ifindex>`: a hook reports its program but not its link. */
function linksOfXdp(): Map<string, number> {
  const found = new Map<string, number>();
  for (const id of listIds('link')) {
    using link = openLinkById(id);
    if (link === undefined) continue;
    const { type, programId, ifindex } = link.info();
    if (type === 'xdp') found.set(`${programId} ${ifindex}`, id);
  }
  return found;
}

function unlessGone<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (isLibbpfError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
