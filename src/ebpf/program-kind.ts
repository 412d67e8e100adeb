import { attachTcx, attachXdp, BpfLink, BpfProgram, isLibbpfError, queryXdp, unpin } from '../libbpf/index.js';
import { ourMaster } from '../vrf/ours.js';
import { indexOfDevice } from './bytes.js';
import { programNamed } from './programs.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kind, ObjectChange, ObjectFailure } from '../reconcile/kind.js';
import type { InterfaceOptions } from '../libbpf/index.js';
import type { BpfAttachment } from './objects.js';

/** A port's interface is not in its VRF: without the kernel's part the fast path's would be half a data plane. */
export class PortNotEnslavedError extends Error {
  readonly code = 'FASTPATH_PORT_NOT_ENSLAVED';

  constructor(device: string) {
    super(`interface ${device} is in no VRF of segue's: expected it there before the fast path's program`);
    this.name = 'PortNotEnslavedError';
  }
}

/** Somebody else's XDP program is on the hook, which takes one: segue's waits, and what it would have taken goes by tcx. */
export class ForeignXdpError extends Error {
  readonly code = 'FASTPATH_FOREIGN_XDP';

  constructor(device: string, programId: number) {
    super(
      `xdp of ${device}: program id ${programId} is there, which is not segue's: expected none (tcx forwards meanwhile; ` +
        '"xdp: never" in the node file leaves the hook to it)',
    );
    this.name = 'ForeignXdpError';
  }
}

/** Programs at interfaces: links, pinned, so that they outlive the agent and are found again. */
export const bpfProgramKind: Kind<'bpf-program'> = {
  name: 'bpf-program',

  list(kernel, wanted) {
    const found = new Map<string, BpfAttachment>();
    for (const { hook, ifindex, path } of kernel.fastpath.links()) {
      const link = BpfLink.openPinned(path);
      const info = link.info();
      link.close();
      // Of an interface that is gone the link stays as a shell (ifindex 0), even when another has its number now.
      const device = info.ifindex === 0 ? `ifindex ${ifindex}` : kernel.links.nameOf(info.ifindex);
      const key = `${device} ${hook}`;
      const desired = wanted.get(key);
      const program = desired === undefined ? undefined : kernel.fastpath.program(desired.program, desired);
      const isCurrent = program?.info().id === info.programId;
      if (desired !== undefined && isCurrent && isFollowed(kernel, desired)) found.set(key, desired);
      else found.set(key, { device, hook, ...nameOf(info.programId), stale: `program id ${info.programId}` });
    }
    // A driver that cannot is not asked again, and a hook that is taken only once it is free.
    for (const [key, desired] of wanted) {
      const link = kernel.links.get(desired.device);
      const impossible =
        kernel.fastpath.impossible.has(`${link?.index} ${desired.hook}`) ||
        (desired.hook === 'xdp' && link?.xdp !== undefined);
      if (impossible && desired.optional && !found.has(key)) found.set(key, desired);
    }
    return found;
  },

  apply(kernel, changes) {
    const failures: ObjectFailure[] = [];
    for (const change of changes) {
      try {
        if (change.desired === undefined) detach(kernel, change);
        else attach(kernel, change.desired);
      } catch (error) {
        failures.push({ key: change.key, error: error as Error });
      }
    }
    const made = changes.flatMap(({ desired }) => desired ?? []);
    if (failures.length === 0 && made.length > 0) kernel.fastpath.sweep(made.some(({ alone }) => alone));
    return failures;
  },

  devices: ({ device }) => [device],

  // An uplink may be in a bond or a bridge; a port may not.
  serves: ({ program }) => !isAtPort(program),

  describe: (_key, { device, hook, program }) =>
    `fast path program ${program} ${hook === 'xdp' ? 'xdp' : 'tcx/ingress'} dev ${device}`,
};

/** Whether what a network node's XDP program passes on goes where it is to go. */
function isFollowed({ fastpath }: Kernel, attachment: BpfAttachment): boolean {
  const { program, then } = attachment;
  if (program !== 'steer_xdp') return true;
  const next = fastpath.steering.uplinkProgram;
  return next === (then === undefined ? undefined : fastpath.program(then, attachment)?.info().id);
}

function isAtPort(program: BpfAttachment['program']): boolean {
  return program === 'port' || program === 'port_xdp' || program === 'responder';
}

/** Which of ours a program is; the kernel's own name for it tells. */
function nameOf(programId: number): Pick<BpfAttachment, 'program'> {
  try {
    const program = BpfProgram.openById(programId);
    const { name } = program.info();
    program.close();
    return { program: programNamed(name) ?? 'port' };
  } catch (error) {
    if (isLibbpfError(error, 'ENOENT')) return { program: 'port' };
    throw error;
  }
}

function attach(kernel: Kernel, attachment: BpfAttachment): void {
  const { device, hook, program: name, alone, then, optional } = attachment;
  const { fastpath, links } = kernel;
  // Ports join their VRF in the same application: what was listed before it does not say so.
  if (isAtPort(name) && alone !== true) {
    const listed = links.get(device);
    if (listed === undefined || ourMaster(kernel, listed) === undefined) links.refresh();
    const link = links.get(device);
    if (link === undefined || ourMaster(kernel, link) === undefined) throw new PortNotEnslavedError(device);
  }
  const ifindex = links.indexOf(device);
  const path = fastpath.linkPath(hook, ifindex);
  const program = fastpath.makeProgram(name, attachment);
  if (name === 'steer_xdp') {
    fastpath.steering.setUplinkProgram(then === undefined ? undefined : fastpath.makeProgram(then, attachment));
  }
  const there = openLink(path);
  if (there !== undefined) {
    try {
      if (there.info().ifindex === ifindex) {
        there.update(program);
        return;
      }
      unpin(path);
    } finally {
      there.close();
    }
  }
  const where = { interface: ifindex, ...(kernel.netns !== undefined && { netns: kernel.netns }) };
  let link;
  try {
    const foreign = hook === 'xdp' ? queryXdp(where) : 0;
    if (foreign !== 0) throw new ForeignXdpError(device, foreign);
    link =
      hook === 'xdp'
        ? attachXdp(program, { ...where, mode: optional === true ? 'native' : 'auto' })
        : attachInOrder(program, where, hook === 'tcx-first' ? fastpath.linkPath('tcx', ifindex) : undefined);
  } catch (error) {
    if (optional !== true || !(error instanceof Error)) throw error;
    if (!(error instanceof ForeignXdpError)) fastpath.impossible.set(`${ifindex} ${hook}`, error.message);
    return;
  }
  // Without its pin the attachment would end with this process; closing it on a failure takes it off again.
  try {
    link.pin(path);
  } finally {
    link.close();
  }
}

/** @param before pin of the link that the program is to stand before, where there is one; others' programs keep their places */
function attachInOrder(program: BpfProgram, where: InterfaceOptions, before: string | undefined): BpfLink {
  const next = before === undefined ? undefined : openLink(before);
  const last = { ...where, direction: 'ingress' as const };
  try {
    if (next?.info().ifindex !== where.interface) return attachTcx(program, last);
    return attachTcx(program, { ...last, position: { before: next } });
  } finally {
    next?.close();
  }
}

function openLink(path: string): BpfLink | undefined {
  try {
    return BpfLink.openPinned(path);
  } catch (error) {
    if (isLibbpfError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function detach(kernel: Kernel, { actual }: ObjectChange<BpfAttachment>): void {
  if (actual === undefined) return;
  const ifindex = indexOfDevice(kernel, actual.device);
  if (ifindex === undefined) return;
  const path = kernel.fastpath.linkPath(actual.hook, ifindex);
  const link = openLink(path);
  if (link === undefined) return;
  try {
    // At once, and not when the kernel gets round to the last reference.
    if (link.info().ifindex !== 0) link.detach();
  } finally {
    link.close();
    unpin(path);
  }
}
