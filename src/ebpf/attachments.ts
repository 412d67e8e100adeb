/** Segue's programs at interfaces. */
import { BpfLink, BpfProgram } from 'libbpf-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { BpfHook } from './objects.js';

/** A program of segue's at an interface. */
export interface AttachedProgram {
  /** Name in the kernel, at most 15 characters. */
  name: string;
  id: number;
  /** Hash over the instructions, 16 hex digits. */
  tag: string;
}

export interface Attachment {
  device: string;
  hook: BpfHook;
  program: AttachedProgram;
}

/** Lists the pinned links, except those whose interface is gone. */
export function attachments(kernel: Kernel): Attachment[] {
  return kernel.fastpath.links().flatMap(({ hook, path }) => {
    using link = BpfLink.openPinned(path);
    const { ifindex, programId } = link.info();
    if (ifindex === 0) return [];
    using program = BpfProgram.openById(programId);
    const { name, id, tag } = program.info();
    return [{ device: kernel.links.nameOf(ifindex), hook, program: { name, id, tag } }];
  });
}
