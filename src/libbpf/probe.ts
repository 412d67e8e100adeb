/** Features of this kernel, found by trying them. Each result is kept, since the kernel does not change while the process runs. */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { ATTACH_TYPES, MAP_TYPES, type MapType, PROGRAM_TYPES, type ProgramType } from './constants.js';
import { check, LibbpfError, numberOf, u32 } from './errors.js';
import { libbpf, libc } from './ffi.js';
import { BpfMap, type MapOptions } from './map.js';
import { BpfProgram } from './program.js';
import { Options, PROG_LOAD_OPTS, PROG_QUERY_OPTS } from './structs.js';

const { EINVAL } = constants.errno;
const ENOTSUPP = 524;

/** enum bpf_func_id of helpers worth asking for */
export const HELPERS = {
  fib_lookup: 69,
  redirect_map: 51,
  redirect_neigh: 152,
  redirect_peer: 155,
  skb_adjust_room: 50,
  xdp_adjust_head: 44,
  lwt_push_encap: 73,
  lwt_seg6_action: 76,
  ringbuf_reserve: 131,
  check_mtu: 163,
  for_each_map_elem: 164,
  loop: 181,
  ktime_get_ns: 5,
} as const;
export type Helper = keyof typeof HELPERS;

interface Feature {
  /** first kernel that has it */
  minimum: string;
  /** does it work here? Throws what it did not expect. */
  probe: () => boolean;
}

/** MOV64 r0, imm; EXIT */
function returning(value: number): Buffer {
  const instructions = Buffer.from('b700000000000000' + '9500000000000000', 'hex');
  instructions.writeInt32LE(value, 4);
  return instructions;
}

function withProgram<T>(type: ProgramType, value: number, fn: (program: BpfProgram) => T): T {
  const code = returning(value);
  const fd = libbpf().bpf_prog_load(PROGRAM_TYPES[type], 'probe', 'GPL', code, code.length / 8, null);
  const program = new BpfProgram(check(fd, `probe: load a ${type} program`), 'probe');
  try {
    return fn(program);
  } finally {
    program.close();
  }
}

/** The loopback interface is number 1 in every namespace. */
function attachQuery(type: number): number {
  return libbpf().bpf_prog_query_opts(1, type, new Options(PROG_QUERY_OPTS.size).bytes);
}

/** A batch of no entries changes nothing, and is refused by types without batches (kernel/bpf/syscall.c, bpf_map_do_batch). */
function hasBatches(options: MapOptions): boolean {
  const map = BpfMap.create(options);
  try {
    const result = libbpf().bpf_map_update_batch(map.fd, Buffer.alloc(8), Buffer.alloc(8), Buffer.alloc(4), null);
    return result !== -EINVAL && result !== -ENOTSUPP;
  } finally {
    map.close();
  }
}

function asked(result: number, what: string): boolean {
  return check(result, `probe ${what}`) === 1;
}

function hasMapType(type: MapType): boolean {
  const number = numberOf(MAP_TYPES, type, 'probe', 'map type');
  return asked(libbpf().libbpf_probe_bpf_map_type(number, null), `map type ${type}`);
}

const LOG_BYTES = 4096;
/** Verifier messages for a helper that a program type must not call. The last is Linux 6.13's, which libbpf 1.4's own probe takes for support. */
const NO_HELPER = /invalid func |unknown func |cannot use helper /;

/** Loads a program that is nothing but the call: wrong arguments are complained about only where the helper is known. */
function hasHelper(type: ProgramType, id: number): boolean {
  const programType = numberOf(PROGRAM_TYPES, type, 'probe helper', 'program type');
  const code = Buffer.from('8500000000000000' + '9500000000000000', 'hex'); // CALL id; EXIT
  code.writeUInt32LE(id, 4);
  const log = Buffer.alloc(LOG_BYTES);
  const opts = new Options(PROG_LOAD_OPTS.size)
    .u32(PROG_LOAD_OPTS.log_level, 1)
    .u32(PROG_LOAD_OPTS.log_size, log.length);
  opts.pointer(PROG_LOAD_OPTS.log_buf, log);
  const fd = libbpf().bpf_prog_load(programType, 'probe', 'GPL', code, code.length / 8, opts.bytes);
  if (fd >= 0) libc().close(fd);
  const said = log.toString('utf8', 0, log.indexOf(0));
  if (fd < 0 && said === '') check(fd, `probe helper ${id} of ${type} programs`);
  return fd >= 0 || !NO_HELPER.test(said);
}

const FEATURES = {
  tcx: { minimum: '6.6', probe: () => attachQuery(ATTACH_TYPES.tcx_ingress) !== -EINVAL },
  // A device that is not netkit answers ENXIO, a kernel without netkit EINVAL (drivers/net/netkit.c, include/net/netkit.h).
  netkit: { minimum: '6.7', probe: () => attachQuery(ATTACH_TYPES.netkit_primary) !== -EINVAL },
  'live frames': {
    minimum: '5.18',
    probe: () =>
      // XDP_DROP: the frame is thrown away where it would have been sent.
      withProgram('xdp', 1, (program) => {
        try {
          program.testRun({ data: Buffer.alloc(64), liveFrames: true });
          return true;
        } catch (error) {
          if (error instanceof LibbpfError && error.errno === EINVAL) return false;
          throw error;
        }
      }),
  },
  'ring buffer': { minimum: '5.8', probe: () => hasMapType('ringbuf') },
  'batches of hash maps': {
    minimum: '5.6',
    probe: () => hasBatches({ type: 'hash', keySize: 4, valueSize: 4, maxEntries: 1 }),
  },
  'batches of LPM tries': {
    minimum: '5.6',
    probe: () => hasBatches({ type: 'lpm_trie', keySize: 8, valueSize: 4, maxEntries: 1, flags: 1 }),
  },
  'batches of per-CPU arrays': {
    minimum: '5.13',
    probe: () => hasBatches({ type: 'percpu_array', keySize: 4, valueSize: 8, maxEntries: 1 }),
  },
  'kernel BTF': { minimum: '5.4', probe: () => existsSync('/sys/kernel/btf/vmlinux') },
} as const satisfies Record<string, Feature>;

export type FeatureName = keyof typeof FEATURES;

const verdicts = new Map<string, boolean>();

function cached(key: string, ask: () => boolean): boolean {
  let verdict = verdicts.get(key);
  if (verdict === undefined) verdicts.set(key, (verdict = ask()));
  return verdict;
}

export const probe = {
  /** @throws LibbpfError when the kernel will not say (EPERM) */
  programType(type: ProgramType): boolean {
    const number = numberOf(PROGRAM_TYPES, type, 'probe', 'program type');
    return cached(`program ${type}`, () =>
      asked(libbpf().libbpf_probe_bpf_prog_type(number, null), `program type ${type}`),
    );
  },

  mapType(type: MapType): boolean {
    return cached(`map ${type}`, () => hasMapType(type));
  },

  /** May programs of that type call the helper? By name, or by number of enum bpf_func_id. */
  helper(type: ProgramType, helper: Helper | number): boolean {
    const id =
      typeof helper === 'number'
        ? u32(helper, 'probe helper', 'id')
        : numberOf(HELPERS, helper, 'probe helper', 'helper');
    return cached(`helper ${type} ${id}`, () => hasHelper(type, id));
  },

  has(feature: FeatureName): boolean {
    if (!Object.hasOwn(FEATURES, feature)) {
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation: 'probe',
        reason: `feature ${JSON.stringify(feature)}: expected ${Object.keys(FEATURES).join(', ')}`,
      });
    }
    return cached(`feature ${feature}`, FEATURES[feature].probe);
  },

  /** @throws LibbpfError LIBBPF_NOT_SUPPORTED: "tcx not supported (requires >= 6.6)" */
  require(feature: FeatureName): void {
    if (probe.has(feature)) return;
    throw new LibbpfError({
      code: 'LIBBPF_NOT_SUPPORTED',
      operation: `${feature} not supported (requires >= ${FEATURES[feature].minimum})`,
    });
  },

  /** Every feature with its verdict and the first kernel that has it, for a doctor to print. */
  all(): { feature: FeatureName; supported: boolean; minimum: string }[] {
    return (Object.keys(FEATURES) as FeatureName[]).map((feature) => ({
      feature,
      supported: probe.has(feature),
      minimum: FEATURES[feature].minimum,
    }));
  },
};
