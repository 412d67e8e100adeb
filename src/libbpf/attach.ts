/** Attachments to cgroups and network namespaces. */
import { closeSync, openSync } from 'node:fs';
import { BpfLink } from './bpf-link.js';
import { ATTACH_TYPES, type CgroupAttachType } from './constants.js';
import { check, LibbpfError, numberOf } from './errors.js';
import { libbpf } from './ffi.js';
import { inNetns, type Netns } from './netns.js';
import type { BpfProgram } from './program.js';
import { LINK_CREATE_OPTS, Options } from './structs.js';

export interface CgroupOptions {
  /** path of a folder in a cgroup2 file system */
  cgroup: string;
  /** default: what the program's section says */
  type?: CgroupAttachType;
}

function attachTypeOf(program: BpfProgram, type: CgroupAttachType | undefined, operation: string): number {
  if (type !== undefined) return numberOf(ATTACH_TYPES, type, operation, 'type');
  if (program.origin !== undefined) return program.origin.attachType;
  throw new LibbpfError({
    code: 'LIBBPF_ARGUMENT',
    operation,
    reason: 'the program did not come from an object: expected a type',
  });
}

function create(program: BpfProgram, path: string, type: number, operation: string, where: string): BpfLink {
  let target: number;
  try {
    target = openSync(path, 'r');
  } catch (error) {
    const { errno = 0 } = error as NodeJS.ErrnoException;
    throw new LibbpfError({ operation: `${operation}: open ${path}`, errno: Math.abs(errno), cause: error });
  }
  try {
    const opts = new Options(LINK_CREATE_OPTS.size);
    const fd = libbpf().bpf_link_create(program.fd, target, type, opts.bytes);
    return new BpfLink(check(fd, operation), where);
  } finally {
    closeSync(target);
  }
}

/**
 * Attaches a program to a cgroup: cgroup_skb, cgroup_sock_addr, sock_ops, ….
 * @throws LibbpfError LIBBPF_ENOENT, LIBBPF_EBADF when the path is in no cgroup2, LIBBPF_EINVAL when the type is not the program's
 */
export function attachCgroup(program: BpfProgram, { cgroup, type }: CgroupOptions): BpfLink {
  const where = `cgroup ${cgroup}`;
  const operation = `${program.label}: attach to ${where}`;
  return create(program, cgroup, attachTypeOf(program, type, operation), operation, where);
}

/**
 * Attaches an sk_lookup or flow_dissector program to a network namespace.
 * @param netns by name or descriptor; default the thread's
 */
export function attachNetns(
  program: BpfProgram,
  { netns, type = 'sk_lookup' }: { netns?: Netns; type?: 'sk_lookup' | 'flow_dissector' } = {},
): BpfLink {
  const where = `${type} of ${netns === undefined ? 'this network namespace' : `network namespace ${netns}`}`;
  const operation = `${program.label}: attach to ${where}`;
  const number = numberOf(ATTACH_TYPES, type, operation, 'type');
  return inNetns(netns, () => create(program, '/proc/thread-self/ns/net', number, operation, where));
}
