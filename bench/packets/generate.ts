/**
 * The generator's process: bpf/bench/generator.bpf.c by live frames, in the namespace and on the CPU it was started in.
 * The system call blocks, so it has a process to itself. Argument: GenerateOptions as JSON; prints sent and seconds.
 */
import { HEAD_BYTES, makeFrame } from './frame.js';
import { loadGenerator } from './programs.js';
import type { Family } from '../chain/names.js';

export interface GenerateOptions {
  family: Family;
  frameBytes: number;
  /** A power of two. */
  flows: number;
  /** Device that the frames go out of. */
  ifindex: number;
  seconds: number;
  /** Packets a second; 0: as fast as it goes. */
  rate: number;
}

/** Frames a system call; the kernel prepares a page pool for each call, so it pays to have many. */
const FRAMES_A_CALL = 1 << 16;
/** With a rate most runs of the program send nothing. */
const RUNS_A_CALL = 1 << 18;
/** Frames between two runs of the softirq, which must not fill a veth's ring (256, drivers/net/veth.c VETH_RING_SIZE). */
const BATCH = 64;

const [argument = ''] = process.argv.slice(2);
const options = JSON.parse(argument) as GenerateOptions;
const { family, frameBytes, flows, ifindex, seconds, rate } = options;
const frame = makeFrame(family, frameBytes);
const data = Buffer.alloc(frameBytes);
frame.head.copy(data, 0, 0, HEAD_BYTES);
const generator = loadGenerator({ ...frame, ifindex, flowMask: flows - 1, rate });
try {
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < seconds * 1000) {
    generator.run(data, rate > 0 ? RUNS_A_CALL : FRAMES_A_CALL, BATCH);
    elapsed = performance.now() - start;
  }
  process.stdout.write(JSON.stringify({ ...generator.counters(), seconds: elapsed / 1000 }) + '\n');
} finally {
  generator.close();
}
