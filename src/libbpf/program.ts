/** Loaded programs: what the kernel knows of them, and running them on made packets. */
import { constants } from 'node:os';
import { TEST_XDP_LIVE_FRAMES } from './constants.js';
import { check, LibbpfError, u32 } from './errors.js';
import { libbpf, libc } from './ffi.js';
import { adopt, duplicate, Handle } from './handle.js';
import { programInfo, type ProgramInfo } from './info.js';
import { BpfLink } from './bpf-link.js';
import { inNetns, type Netns } from './netns.js';
import { openPin, pinFd } from './pin.js';
import { Options, TEST_RUN_OPTS } from './structs.js';

export interface TestRunOptions {
  /** the packet: at least 14 bytes; for tc programs at most about 3.5 kB */
  data?: Uint8Array;
  /** room for the packet afterwards; by default as long as `data` and 512 bytes more, none for live frames */
  dataOut?: Buffer;
  /** the context: struct xdp_md, struct __sk_buff, arguments of a raw tracepoint; a syscall program writes into it */
  context?: Uint8Array;
  /** room for the context afterwards; none by default */
  contextOut?: Buffer;
  /** runs of packet programs, default 1; the program sees the packet it changed the last time. None of raw_tracepoint and syscall programs */
  repeat?: number;
  /** BPF_F_TEST_* */
  flags?: number;
  cpu?: number;
  /** XDP: verdicts are carried out, frames really leave (Linux >= 5.18). `repeat` frames, no output. */
  liveFrames?: boolean;
  /** live frames between two flushes, at most 256; default 64 */
  batchSize?: number;
  /** namespace in which interface numbers of the context count; default the thread's */
  netns?: Netns;
  /**
   * Called before a run begins again that the kernel cut short (EINTR), as it does for work of io_uring too, which libuv leaves behind: puts back
   * what the program had changed, or counted, by then.
   */
  reset?: () => void;
}

export interface TestRunResult {
  /** what the program returned, as signed 32-bit number: a TCX_NEXT is -1 */
  verdict: number;
  /** ns of one run, the mean over `repeat` */
  duration: number;
  /** the packet afterwards, in `dataOut` or a buffer of its own */
  data: Buffer;
  /** the context afterwards */
  context: Buffer;
}

/** Room a program may need above the packet it was given: encapsulations, XDP's 256 bytes of head. */
const DATA_GROWTH_BYTES = 512;
const REPEAT_MAX = 0x7fffffff;

/** A program's properties in the object file. */
export interface ProgramOrigin {
  /** "raw_tp/sched_switch" */
  section: string;
  /** enum bpf_attach_type the program was loaded for */
  attachType: number;
  /** attaches it as its section says; gives libbpf's link */
  attach(): bigint;
}

export class BpfProgram extends Handle {
  /** undefined for a program that did not come from an object of this process */
  readonly origin: ProgramOrigin | undefined;

  /**
   * Takes the descriptor over, unless it throws.
   * @param name what messages call it; the kernel's name when absent
   * @throws LibbpfError LIBBPF_EINVAL when the descriptor is no program, LIBBPF_EBADF
   */
  constructor(fd: number, name?: string, origin?: ProgramOrigin) {
    super(fd, 'program', `program ${name ?? `descriptor ${fd}`}`);
    this.origin = origin;
    if (name === undefined) this.label = `program ${this.info().name}`;
  }

  /** @throws LibbpfError LIBBPF_ENOENT when nothing is pinned there, LIBBPF_EINVAL when it is no program */
  static openPinned(path: string): BpfProgram {
    return adopt(openPin(path, 'program'), (fd) => new BpfProgram(fd));
  }

  /** @throws LibbpfError LIBBPF_ENOENT */
  static openById(id: number): BpfProgram {
    const operation = `program id ${id}: open`;
    const fd = check(libbpf().bpf_prog_get_fd_by_id(u32(id, operation, 'id')), operation);
    return adopt(fd, () => new BpfProgram(fd));
  }

  /** Another handle of the same program, to be kept when the object it came from is closed. */
  clone(): BpfProgram {
    return new BpfProgram(duplicate(this.fd, this.label), this.label.slice('program '.length), this.origin);
  }

  /**
   * Attaches it as its section says: tracepoint/…, raw_tp/…, kprobe/…, uprobe/…, fentry/…, iter/…, lsm/…, usdt/…. Programs of interfaces, cgroups and
   * namespaces are attached by attachXdp(), attachTcx(), attachCgroup(), attachNetns(): their sections name no target.
   * @throws LibbpfError LIBBPF_STATE of a program that did not come from an object or whose object is closed; LIBBPF_EOPNOTSUPP when the section names no target
   */
  attach(): BpfLink {
    const { origin } = this;
    if (origin !== undefined) return BpfLink.adoptLibbpfLink(origin.attach(), `${this.label} (${origin.section})`);
    throw new LibbpfError({
      code: 'LIBBPF_STATE',
      operation: `${this.label}: attach`,
      reason: 'it did not come from an object: its section is not known',
    });
  }

  /** Reads from the kernel each time, since run time and run count change. */
  info(): ProgramInfo {
    return programInfo(this.fd, this.label);
  }

  /** Keeps the program alive under a path of a bpffs; iproute2 attaches lwt programs from there. */
  pin(path: string): void {
    pinFd(this.fd, path, this.label);
  }

  /**
   * BPF_PROG_TEST_RUN: runs the program on a packet, synchronously.
   * @throws LibbpfError; LIBBPF_ENOSPC when the packet afterwards does not fit
   */
  testRun(options: TestRunOptions): TestRunResult {
    return new TestRun(this, options).run();
  }
}

/** A test run prepared once and run many times: no allocation, one FFI call each. */
export class TestRun {
  readonly #program: BpfProgram;
  readonly #options: Options;
  readonly #operation: string;
  readonly #netns: Netns | undefined;
  readonly #reset: (() => void) | undefined;
  readonly #dataOut: Buffer;
  readonly #contextOut: Buffer;

  constructor(program: BpfProgram, options: TestRunOptions) {
    const { data, context, repeat = 0, flags = 0, cpu, liveFrames = false, batchSize } = options;
    const operation = `${program.label}: test run`;
    if (!Number.isInteger(repeat) || repeat < 0 || repeat > REPEAT_MAX) {
      throw new LibbpfError({
        code: 'LIBBPF_ARGUMENT',
        operation,
        reason: `repeat ${repeat}: expected an integer from 0 to ${REPEAT_MAX}`,
      });
    }
    this.#program = program;
    this.#operation = operation;
    this.#netns = options.netns;
    this.#reset = options.reset;
    this.#dataOut = options.dataOut ?? Buffer.alloc(liveFrames || !data ? 0 : data.length + DATA_GROWTH_BYTES);
    this.#contextOut = options.contextOut ?? Buffer.alloc(0);
    const o = new Options(TEST_RUN_OPTS.size).i32(TEST_RUN_OPTS.repeat, repeat);
    o.u32(TEST_RUN_OPTS.flags, u32(flags, operation, 'flags') | (liveFrames ? TEST_XDP_LIVE_FRAMES : 0));
    if (cpu !== undefined) o.u32(TEST_RUN_OPTS.cpu, u32(cpu, operation, 'CPU'));
    if (batchSize !== undefined) o.u32(TEST_RUN_OPTS.batch_size, u32(batchSize, operation, 'batch size'));
    // The kernel copies both ways through these addresses: Options keeps the buffers referenced.
    if (data) o.pointer(TEST_RUN_OPTS.data_in, data).u32(TEST_RUN_OPTS.data_size_in, data.length);
    if (context) o.pointer(TEST_RUN_OPTS.ctx_in, context).u32(TEST_RUN_OPTS.ctx_size_in, context.length);
    if (this.#dataOut.length > 0) o.pointer(TEST_RUN_OPTS.data_out, this.#dataOut);
    if (this.#contextOut.length > 0) o.pointer(TEST_RUN_OPTS.ctx_out, this.#contextOut);
    this.#options = o;
  }

  /** Runs it. `data` and `context` of the result are the same memory each time. */
  run(): TestRunResult {
    const o = this.#options;
    const { fd } = this.#program;
    const once = (): number => {
      o.u32(TEST_RUN_OPTS.data_size_out, this.#dataOut.length).u32(TEST_RUN_OPTS.ctx_size_out, this.#contextOut.length);
      return inNetns(this.#netns, () => libbpf().bpf_prog_test_run_opts(fd, o.bytes));
    };
    let result = once();
    while (result === -constants.errno.EINTR) {
      this.#reset?.();
      result = once();
    }
    const length = o.bytes.readUInt32LE(TEST_RUN_OPTS.data_size_out);
    if (result < 0) {
      const full =
        length > this.#dataOut.length
          ? `the packet afterwards is ${length} bytes, dataOut ${this.#dataOut.length}`
          : undefined;
      check(result, this.#operation, full);
    }
    return {
      verdict: o.bytes.readInt32LE(TEST_RUN_OPTS.retval),
      duration: o.bytes.readUInt32LE(TEST_RUN_OPTS.duration),
      data: this.#dataOut.subarray(0, Math.min(length, this.#dataOut.length)),
      context: this.#contextOut.subarray(0, o.bytes.readUInt32LE(TEST_RUN_OPTS.ctx_size_out)),
    };
  }
}

/** BPF_STATS_RUN_TIME */
const STATS_RUN_TIME = 0;

/** Run time and run count of every program on this machine, for as long as the result is not disposed of; costs each run some 20 ns. */
export function enableRunTimeStatistics(): Disposable {
  let fd = check(libbpf().bpf_enable_stats(STATS_RUN_TIME), 'enable run-time statistics');
  return {
    [Symbol.dispose]: () => {
      if (fd >= 0) libc().close(fd);
      fd = -1;
    },
  };
}
