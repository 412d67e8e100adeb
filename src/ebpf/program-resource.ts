import { DEVICE_FEATURES } from './events.js';
import {
  attachTcx,
  attachXdp,
  BpfLink,
  BpfProgram,
  type InterfaceOptions,
  isLibbpfError,
  queryXdp,
  unpin,
} from 'libbpf-ts';
import { foreignMaster } from '../port/ours.js';
import { ourMaster } from '../vrf/ours.js';
import { indexOfDevice } from './bytes.js';
import { FixedFeatureError, HiddenTagsError, hiddenTags } from './feature-resource.js';
import { programNamed } from './programs.js';
import {
  isLinkAlive,
  openLinkById,
  openPinnedLink,
  openRunning,
  runningPrograms,
  UnlinkedProgramError,
} from './running.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ObservedObject, Resource, ObjectChange, ObjectFailure } from '../reconcile/resource.js';
import type { BpfAttachment, BpfHook } from './objects.js';

/** A port's interface is not in its VRF: the fast path would run without its kernel data plane. */
class PortNotEnslavedError extends Error {
  readonly code = 'FASTPATH_PORT_NOT_ENSLAVED';

  constructor(device: string) {
    super(`interface ${device} is in no VRF of segue's: expected it there before the fast path's program is attached`);
    this.name = 'PortNotEnslavedError';
  }
}

/** An XDP program of others occupies the hook, which takes only one: segue's waits, and tcx handles the packets. */
class ForeignXdpError extends Error {
  readonly code = 'FASTPATH_FOREIGN_XDP';

  constructor(device: string, programId: number) {
    super(
      `xdp of ${device}: program id ${programId} is not segue's: expected no program (tcx forwards meanwhile; ` +
        '"xdp: never" in the node file leaves the hook to that program)',
    );
    this.name = 'ForeignXdpError';
  }
}

/** Programs at interfaces: pinned links, which outlive the agent. */
export const bpfProgramResource: Resource<'bpf-program'> = {
  name: 'bpf-program',
  after: ['device-feature'],
  follows: DEVICE_FEATURES,

  list(kernel, wanted) {
    const found = new Map<string, ObservedObject<BpfAttachment>>();
    const pinned = new Set<number>();
    for (const { hook, ifindex, path } of kernel.fastpath.links()) {
      using link = BpfLink.openPinned(path);
      const info = link.info();
      pinned.add(info.id);
      // The link of a deleted interface remains with ifindex 0, even if another interface has its index now.
      const device = info.ifindex === 0 ? `ifindex ${ifindex}` : kernel.links.nameOf(info.ifindex);
      const key = `${device} ${hook}`;
      const desired = wanted.get(key);
      // This link belongs to the detached port's ingress program.
      if (hook === 'tcx-egress' && isDetached(kernel, wanted.get(`${device} tcx`))) continue;
      const program = desired === undefined ? undefined : wantedProgram(kernel, desired);
      const isCurrent = program?.info().id === info.programId;
      const isWhole = isFollowed(kernel, desired) && isClosed(kernel, desired);
      if (desired !== undefined && isCurrent && isWhole) found.set(key, desired);
      else found.set(key, { device, hook, ...nameOf(info.programId), drift: `program id ${info.programId}` });
    }
    // Unpinned programs also process packets: they are replaced where one is planned, and detached elsewhere.
    for (const { ifindex, hook, program, programId, linkId } of runningPrograms(kernel)) {
      if (pinned.has(linkId) || (linkId !== 0 && !isLinkAlive(linkId))) continue;
      const device = kernel.links.nameOf(ifindex);
      if (hook === 'tcx-egress' && isDetached(kernel, wanted.get(`${device} tcx`))) continue;
      const drift = `program id ${programId}, not pinned`;
      const key = `${device} ${hook}`;
      found.set(found.has(key) ? `${key} link ${linkId}` : key, { device, hook, program, drift, link: linkId });
    }
    // Optional programs are not retried on a driver that does not support them, nor while the hook is occupied.
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
        else attachWhole(kernel, change.desired);
      } catch (error) {
        failures.push({ key: change.key, error: error as Error });
      }
    }
    const made = changes.flatMap(({ desired }) => desired ?? []);
    const [first] = made;
    if (failures.length === 0 && first !== undefined) kernel.fastpath.removeStalePins(first);
    return failures;
  },

  devices: ({ device }) => [device],

  // An uplink may be in a bond or a bridge. A port with a foreign master keeps its tcx program, which then drops everything.
  toleratesConflict: ({ program, hook }) => !isAtPort(program) || hook === 'tcx',

  // An XDP program would keep forwarding at a detached port.
  outlivesDevices: true,

  describe: (_key, { device, hook, program }) => `fast path program ${program} ${HOOK_WORDS[hook]} dev ${device}`,
};

const HOOK_WORDS: Readonly<Record<BpfHook, string>> = {
  'tcx-first': 'tcx/ingress',
  tcx: 'tcx/ingress',
  'tcx-egress': 'tcx/egress',
  xdp: 'xdp',
};

/** Whether the interface of a port has a foreign master: its programs then drop everything. */
function isDetached(kernel: Kernel, attachment: BpfAttachment | undefined): boolean {
  return (
    attachment !== undefined && isAtPort(attachment.program) && foreignMaster(kernel, attachment.device) !== undefined
  );
}

/** The program that must be attached now, if it is loaded. */
function wantedProgram(kernel: Kernel, attachment: BpfAttachment): BpfProgram | undefined {
  return kernel.fastpath.program(isDetached(kernel, attachment) ? 'detached_tc' : attachment.program, attachment);
}

/** Whether the egress of a port is closed if the port is detached. */
function isClosed(kernel: Kernel, attachment: BpfAttachment | undefined): boolean {
  if (attachment === undefined || !isDetached(kernel, attachment)) return true;
  const ifindex = indexOfDevice(kernel, attachment.device);
  if (ifindex === undefined) return false;
  using link = openPinnedLink(kernel.fastpath.linkPath('tcx-egress', ifindex));
  const info = link?.info();
  return info?.ifindex === ifindex && info.programId === wantedProgram(kernel, attachment)?.info().id;
}

/** Whether a network node's XDP program passes packets on to the right program. */
function isFollowed({ fastpath }: Kernel, attachment: BpfAttachment | undefined): boolean {
  if (attachment?.program !== 'nn_uplink_xdp') return true;
  const { then } = attachment;
  const next = fastpath.steering.uplinkProgram;
  return next === (then === undefined ? undefined : fastpath.program(then, attachment)?.info().id);
}

function isAtPort(program: BpfAttachment['program']): boolean {
  return ['port_tc', 'port_xdp', 'ndp_responder_tc', 'detached_tc'].includes(program);
}

/** Determines segue's program by its name in the kernel. */
function nameOf(programId: number): Pick<BpfAttachment, 'program'> {
  try {
    using program = BpfProgram.openById(programId);
    const { name } = program.info();
    return { program: programNamed(name) ?? 'port_tc' };
  } catch (error) {
    if (isLibbpfError(error, 'ENOENT')) return { program: 'port_tc' };
    throw error;
  }
}

function attachWhole(kernel: Kernel, attachment: BpfAttachment): void {
  if (attachment.hook !== 'tcx' || !isDetached(kernel, attachment)) {
    attach(kernel, attachment);
    return;
  }
  const closed = { ...attachment, program: 'detached_tc' } as const;
  attach(kernel, closed);
  attach(kernel, { ...closed, hook: 'tcx-egress' });
}

function attach(kernel: Kernel, attachment: BpfAttachment): void {
  const { device, hook, program: name, alone, then, optional } = attachment;
  const { fastpath, links } = kernel;
  // Ports join their VRF in the same application, so the list of devices may be older.
  if (isAtPort(name) && name !== 'detached_tc' && alone !== true) {
    const listed = links.get(device);
    if (listed === undefined || ourMaster(kernel, listed) === undefined) links.refresh();
    const link = links.get(device);
    if (link === undefined || ourMaster(kernel, link) === undefined) throw new PortNotEnslavedError(device);
  }
  const ifindex = links.indexOf(device);
  const path = fastpath.linkPath(hook, ifindex);
  const program = fastpath.makeProgram(name, attachment);
  if (name === 'nn_uplink_xdp') {
    fastpath.steering.setUplinkProgram(then === undefined ? undefined : fastpath.makeProgram(then, attachment));
  }
  kernel.fastpath.pins.note();
  const there = openPinnedLink(path);
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
  // Its pin is gone or hidden: the existing attachment is updated, which keeps its position and leaves no gap.
  const running = openRunning(kernel, ifindex, hook);
  if (running !== undefined) {
    try {
      running.update(program);
      running.pin(path);
      return;
    } finally {
      running.close();
    }
  }
  const where = { interface: ifindex, ...(kernel.netns !== undefined && { netns: kernel.netns }) };
  let link;
  try {
    const foreign = hook === 'xdp' ? queryXdp(where) : 0;
    if (foreign !== 0) throw new ForeignXdpError(device, foreign);
    if (hook === 'xdp') refuseHiddenTags(kernel, device, ifindex);
    // Native only: generic XDP copies most frames (skb_pp_cow_data, since Linux 6.9) and loses skb->mac_len, so that tcx cannot read frames that
    // XDP passes.
    link =
      hook === 'xdp'
        ? attachXdp(program, { ...where, mode: 'native' })
        : hook === 'tcx-egress'
          ? attachTcx(program, { ...where, direction: 'egress', position: 'first' })
          : attachInOrder(program, where, hook === 'tcx-first' ? fastpath.linkPath('tcx', ifindex) : undefined);
  } catch (error) {
    if (optional !== true || !(error instanceof Error)) throw error;
    if (!(error instanceof ForeignXdpError) && !(error instanceof HiddenTagsError))
      fastpath.impossible.set(`${ifindex} ${hook}`, error.message);
    return;
  }
  // Without a pin the attachment would end with this process. If pinning fails, closing the link detaches the program.
  try {
    link.pin(path);
  } finally {
    link.close();
  }
}

/** @throws HiddenTagsError; FixedFeatureError if a feature cannot be switched off */
function refuseHiddenTags(kernel: Kernel, device: string, ifindex: number): void {
  const { active, fixed } = hiddenTags(kernel, ifindex);
  for (const feature of fixed) throw new FixedFeatureError(device, feature);
  if (active.length > 0) throw new HiddenTagsError(device, active);
}

/** Attaches a program without reordering those of others. @param before pin of the link that it must precede, if any */
function attachInOrder(program: BpfProgram, where: InterfaceOptions, before: string | undefined): BpfLink {
  const next = before === undefined ? undefined : openPinnedLink(before);
  const last = { ...where, direction: 'ingress' as const };
  try {
    if (next?.info().ifindex !== where.interface) return attachTcx(program, last);
    return attachTcx(program, { ...last, position: { before: next } });
  } finally {
    next?.close();
  }
}

function detach(kernel: Kernel, { actual }: ObjectChange<BpfAttachment>): void {
  if (actual === undefined) return;
  const { device, hook, link: linkId } = actual;
  const ifindex = indexOfDevice(kernel, device);
  if (ifindex === undefined) return;
  if (linkId !== undefined) {
    if (linkId === 0) throw new UnlinkedProgramError(device, hook);
    takeOff(openLinkById(linkId));
    return;
  }
  kernel.fastpath.pins.note();
  const path = kernel.fastpath.linkPath(hook, ifindex);
  const pinned = openPinnedLink(path);
  takeOff(pinned ?? openRunning(kernel, ifindex, hook));
  if (pinned !== undefined) unpin(path);
}

/** Detaches immediately, rather than when the kernel drops the last reference. */
function takeOff(link: BpfLink | undefined): void {
  if (link === undefined) return;
  try {
    if (link.info().ifindex !== 0) link.detach();
  } finally {
    link.close();
  }
}
