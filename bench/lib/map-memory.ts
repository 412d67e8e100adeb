/** What the kernel charges for maps: memlock of /proc/self/fdinfo (bpf_map_show_fdinfo, kernel/bpf/syscall.c). */
import { readFileSync } from 'node:fs';
import type { BpfMap } from 'libbpf-ts';

/** Bytes. */
export function mapMemory(map: BpfMap): number {
  const memlock = /^memlock:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${map.fd}`, 'utf8'))?.[1];
  if (memlock === undefined) throw new Error(`${map.label}: no memlock in its fdinfo`);
  return Number(memlock);
}
