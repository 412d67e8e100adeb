/** Ids of the kernel's maps, programs and links, those of other processes too. */
import { constants } from 'node:os';
import { check } from './errors.js';
import { libbpf } from './ffi.js';
import type { Kind } from './handle.js';

/** Ids of every map, program or link on this machine, ascending. @throws LibbpfError LIBBPF_EPERM without CAP_SYS_ADMIN */
export function listIds(kind: Kind): number[] {
  const lib = libbpf();
  const next = { map: lib.bpf_map_get_next_id, program: lib.bpf_prog_get_next_id, link: lib.bpf_link_get_next_id }[
    kind
  ];
  const ids: number[] = [];
  const id = Buffer.alloc(4);
  for (;;) {
    const result = next(ids.at(-1) ?? 0, id);
    if (result === -constants.errno.ENOENT) return ids;
    check(result, `list ${kind}s`);
    ids.push(id.readUInt32LE(0));
  }
}
