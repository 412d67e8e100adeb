/** Attachments as bpf_link: they hold the program, can be pinned, and swap their program without a packet lost. */
import { BpfLink } from './bpf-link.js';
import { ATTACH_FLAGS, ATTACH_TYPES, XDP_MODES, type XdpMode } from './constants.js';
import { check, isLibbpfError, LibbpfError, numberOf, u32 } from './errors.js';
import { libbpf, libc } from './ffi.js';
import { inNetns, type Netns } from './netns.js';
import type { BpfProgram } from './program.js';
import { LINK_CREATE_OPTS, Options, PROG_QUERY_OPTS } from './structs.js';

export interface InterfaceOptions {
  /** name or number of the interface */
  interface: string | number;
  /** network namespace it is in, by name or descriptor; default the thread's */
  netns?: Netns;
}

export interface XdpOptions extends InterfaceOptions {
  /** default auto: native where the driver has it, else skb */
  mode?: XdpMode;
}

/** A place among the programs of a tcx hook. */
export type TcxPosition = 'first' | 'last' | { before: BpfLink | BpfProgram } | { after: BpfLink | BpfProgram };

export interface TcxOptions extends InterfaceOptions {
  direction: 'ingress' | 'egress';
  /** default: the kernel's, which is last */
  position?: TcxPosition;
  /** fails with ESTALE when the hook's programs have changed since queryTcx() gave this revision */
  expectedRevision?: bigint;
}

/** Number of an interface in the thread's namespace. @throws LibbpfError LIBBPF_NAME */
function ifindexOf(name: string | number, operation: string): number {
  if (typeof name === 'number') return u32(name, operation, 'interface');
  const index = libc().if_nametoindex(name);
  if (index !== 0) return index;
  throw new LibbpfError({ code: 'LIBBPF_NAME', operation, reason: 'no interface of that name' });
}

function describe(options: InterfaceOptions): string {
  return options.netns === undefined ? `${options.interface}` : `${options.interface} in ${options.netns}`;
}

/**
 * Attaches a program to an interface's XDP hook.
 * @throws LibbpfError LIBBPF_EBUSY when another program is there, LIBBPF_NAME, LIBBPF_EOPNOTSUPP for a mode the driver lacks
 */
export function attachXdp(program: BpfProgram, options: XdpOptions): BpfLink {
  const where = describe(options);
  const operation = `${program.label}: attach to xdp of ${where}`;
  const mode = numberOf(XDP_MODES, options.mode ?? 'auto', operation, 'mode');
  const opts = new Options(LINK_CREATE_OPTS.size).u32(LINK_CREATE_OPTS.flags, mode);
  const fd = inNetns(options.netns, () =>
    libbpf().bpf_link_create(program.fd, ifindexOf(options.interface, operation), ATTACH_TYPES.xdp, opts.bytes),
  );
  return new BpfLink(check(fd, operation), `xdp of ${where}`);
}

const TCX_TYPES = { ingress: ATTACH_TYPES.tcx_ingress, egress: ATTACH_TYPES.tcx_egress } as const;

function positionFlags(opts: Options, position: TcxPosition): number {
  if (position === 'first') return ATTACH_FLAGS.BEFORE;
  if (position === 'last') return ATTACH_FLAGS.AFTER;
  const anchor = 'before' in position ? position.before : position.after;
  opts.u32(LINK_CREATE_OPTS.relative_fd, anchor.fd);
  const side = 'before' in position ? ATTACH_FLAGS.BEFORE : ATTACH_FLAGS.AFTER;
  return anchor instanceof BpfLink ? side | ATTACH_FLAGS.LINK : side;
}

/**
 * Attaches a program to an interface's tcx hook (Linux >= 6.6), among the programs that are there.
 * @throws LibbpfError LIBBPF_ENOENT when the anchor is not there, LIBBPF_ESTALE, LIBBPF_NAME
 */
export function attachTcx(program: BpfProgram, options: TcxOptions): BpfLink {
  const where = `tcx ${options.direction} of ${describe(options)}`;
  const operation = `${program.label}: attach to ${where}`;
  const opts = new Options(LINK_CREATE_OPTS.size);
  if (options.position !== undefined) opts.u32(LINK_CREATE_OPTS.flags, positionFlags(opts, options.position));
  if (options.expectedRevision !== undefined) opts.u64(LINK_CREATE_OPTS.expected_revision, options.expectedRevision);
  const type = numberOf(TCX_TYPES, options.direction, operation, 'direction');
  const fd = inNetns(options.netns, () =>
    libbpf().bpf_link_create(program.fd, ifindexOf(options.interface, operation), type, opts.bytes),
  );
  return new BpfLink(check(fd, operation), where);
}

export interface TcxState {
  /** changes with every attach, detach and update */
  revision: bigint;
  /** in the order they run; linkId is 0 for a program without a link */
  programs: { programId: number; linkId: number }[];
}

/** BPF_MPROG_MAX (include/linux/bpf_mprog.h) */
const TCX_PROGRAMS_MAX = 64;

/** The programs of a tcx hook and its revision. */
export function queryTcx(options: InterfaceOptions & { direction: 'ingress' | 'egress' }): TcxState {
  const operation = `query tcx ${options.direction} of ${describe(options)}`;
  const programs = Buffer.alloc(4 * TCX_PROGRAMS_MAX);
  const links = Buffer.alloc(4 * TCX_PROGRAMS_MAX);
  const opts = new Options(PROG_QUERY_OPTS.size)
    .pointer(PROG_QUERY_OPTS.prog_ids, programs)
    .pointer(PROG_QUERY_OPTS.link_ids, links)
    .u32(PROG_QUERY_OPTS.count, TCX_PROGRAMS_MAX);
  const type = numberOf(TCX_TYPES, options.direction, operation, 'direction');
  const result = inNetns(options.netns, () =>
    libbpf().bpf_prog_query_opts(ifindexOf(options.interface, operation), type, opts.bytes),
  );
  check(result, operation);
  return {
    revision: opts.bytes.readBigUInt64LE(PROG_QUERY_OPTS.revision),
    programs: Array.from({ length: opts.bytes.readUInt32LE(PROG_QUERY_OPTS.count) }, (_, index) => ({
      programId: programs.readUInt32LE(4 * index),
      linkId: links.readUInt32LE(4 * index),
    })),
  };
}

/**
 * The programs of the tcx hooks of many interfaces, by interface number; those without any, and those that are gone, are left
 * out.
 */
export function queryTcxAll(
  interfaces: readonly number[],
  direction: 'ingress' | 'egress',
  netns?: Netns,
): Map<number, TcxState['programs']> {
  return inNetns(netns, () => {
    const found = new Map<number, TcxState['programs']>();
    for (const number of interfaces) {
      try {
        const { programs } = queryTcx({ interface: number, direction });
        if (programs.length > 0) found.set(number, programs);
      } catch (error) {
        if (!isLibbpfError(error, 'ENODEV')) throw error;
      }
    }
    return found;
  });
}

/** Id of the program on an interface's XDP hook, in whatever mode; 0 when there is none. */
export function queryXdp(options: InterfaceOptions): number {
  const operation = `query xdp of ${describe(options)}`;
  const id = Buffer.alloc(4);
  check(
    inNetns(options.netns, () => libbpf().bpf_xdp_query_id(ifindexOf(options.interface, operation), 0, id)),
    operation,
  );
  return id.readUInt32LE(0);
}
