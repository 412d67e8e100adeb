/** The kernel's information about a map, a program or a link, by descriptor. */
import { LINK_TYPE_NAMES, MAP_TYPE_NAMES, PROGRAM_TYPE_NAMES } from './constants.js';
import { check } from './errors.js';
import { libbpf } from './ffi.js';
import { fixedString, LINK_INFO, MAP_INFO, OBJECT_NAME_BYTES, Options, PROG_INFO } from './structs.js';

export interface MapInfo {
  /** bpftool's name of the type, or its number */
  type: string;
  id: number;
  /** at most 15 characters */
  name: string;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  ifindex: number;
  btfId: number;
}

export interface ProgramInfo {
  type: string;
  id: number;
  name: string;
  /** 16 hex digits: a hash over the instructions */
  tag: string;
  /** bytes of instructions after the verifier's rewriting */
  xlatedBytes: number;
  /** bytes of machine code; 0: the JIT is off */
  jitedBytes: number;
  /** instructions the verifier walked through; its limit is 1,000,000 */
  verifiedInstructions: number;
  /** ns since boot */
  loadTime: bigint;
  /** ns; counts while enableRunTimeStatistics() is in force */
  runTime: bigint;
  runCount: bigint;
  /** runs left out because the program was running on this CPU already */
  recursionMisses: bigint;
  mapIds: number[];
  btfId: number;
}

export interface LinkInfo {
  type: string;
  id: number;
  programId: number;
  /** interface of an xdp, tcx or netkit link, in the namespace of that interface; 0 when it is gone */
  ifindex: number;
  /** enum bpf_attach_type of a tcx or netkit link, else 0 */
  attachType: number;
}

type InfoFunction = (fd: number, info: Uint8Array, length: Uint8Array) => number;

function read(fn: InfoFunction, fd: number, info: Buffer, operation: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(info.length);
  check(fn(fd, info, length), operation);
  return info;
}

/** BPF_OBJ_GET_INFO_BY_FD of a map. @throws LibbpfError, EINVAL when the descriptor is no map */
export function mapInfo(fd: number, label: string): MapInfo {
  const info = read(libbpf().bpf_map_get_info_by_fd, fd, Buffer.alloc(MAP_INFO.size), `${label}: info`);
  const type = info.readUInt32LE(MAP_INFO.type);
  return {
    type: MAP_TYPE_NAMES.get(type) ?? String(type),
    id: info.readUInt32LE(MAP_INFO.id),
    name: fixedString(info, MAP_INFO.name, OBJECT_NAME_BYTES),
    keySize: info.readUInt32LE(MAP_INFO.key_size),
    valueSize: info.readUInt32LE(MAP_INFO.value_size),
    maxEntries: info.readUInt32LE(MAP_INFO.max_entries),
    flags: info.readUInt32LE(MAP_INFO.map_flags),
    ifindex: info.readUInt32LE(MAP_INFO.ifindex),
    btfId: info.readUInt32LE(MAP_INFO.btf_id),
  };
}

const MAP_IDS_MAX = 64; // MAX_USED_MAPS (include/linux/bpf_verifier.h)

/** BPF_OBJ_GET_INFO_BY_FD of a program. @throws LibbpfError */
export function programInfo(fd: number, label: string): ProgramInfo {
  const ids = Buffer.alloc(4 * MAP_IDS_MAX);
  const request = new Options(PROG_INFO.size).u64(0, 0n).u32(PROG_INFO.nr_map_ids, MAP_IDS_MAX);
  request.pointer(PROG_INFO.map_ids, ids);
  const info = read(libbpf().bpf_prog_get_info_by_fd, fd, request.bytes, `${label}: info`);
  const type = info.readUInt32LE(PROG_INFO.type);
  const maps = Math.min(info.readUInt32LE(PROG_INFO.nr_map_ids), MAP_IDS_MAX);
  return {
    type: PROGRAM_TYPE_NAMES.get(type) ?? String(type),
    id: info.readUInt32LE(PROG_INFO.id),
    name: fixedString(info, PROG_INFO.name, OBJECT_NAME_BYTES),
    tag: info.toString('hex', PROG_INFO.tag, PROG_INFO.tag + 8),
    xlatedBytes: info.readUInt32LE(PROG_INFO.xlated_prog_len),
    jitedBytes: info.readUInt32LE(PROG_INFO.jited_prog_len),
    verifiedInstructions: info.readUInt32LE(PROG_INFO.verified_insns),
    loadTime: info.readBigUInt64LE(PROG_INFO.load_time),
    runTime: info.readBigUInt64LE(PROG_INFO.run_time_ns),
    runCount: info.readBigUInt64LE(PROG_INFO.run_cnt),
    recursionMisses: info.readBigUInt64LE(PROG_INFO.recursion_misses),
    mapIds: Array.from({ length: maps }, (_, index) => ids.readUInt32LE(4 * index)),
    btfId: info.readUInt32LE(PROG_INFO.btf_id),
  };
}

/** BPF_OBJ_GET_INFO_BY_FD of a link. @throws LibbpfError */
export function linkInfo(fd: number, label: string): LinkInfo {
  const info = read(libbpf().bpf_link_get_info_by_fd, fd, Buffer.alloc(LINK_INFO.size), `${label}: info`);
  const type = LINK_TYPE_NAMES.get(info.readUInt32LE(LINK_INFO.type)) ?? String(info.readUInt32LE(LINK_INFO.type));
  const onInterface = type === 'xdp' || type === 'tcx' || type === 'netkit';
  return {
    type,
    id: info.readUInt32LE(LINK_INFO.id),
    programId: info.readUInt32LE(LINK_INFO.prog_id),
    ifindex: onInterface ? info.readUInt32LE(LINK_INFO.ifindex) : 0,
    attachType: type === 'tcx' || type === 'netkit' ? info.readUInt32LE(LINK_INFO.attach_type) : 0,
  };
}
