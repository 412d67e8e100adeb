/**
 * The generator's process: bpf/bench/generator.bpf.c by live frames, in the namespace and on the CPU it was started in.
 * The system call blocks, so it has a process to itself. Argument: GenerateOptions as JSON; prints sent and seconds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMain } from '../lib/is-main.js';
import { HEAD_BYTES, makeFrame } from './frame.js';
import { loadGenerator } from './programs.js';
import { zipfDraws } from './zipf.js';
import type { Family } from '../chain/names.js';
import type { Spread } from './settings.js';

export interface GenerateOptions {
  family: Family;
  frameBytes: number;
  flows: number;
  spread: Spread;
  /** Addresses that flows go to; 0: each flow has one of its own. */
  endpoints: number;
  /** Device that the frames go out of. */
  ifindex: number;
  seconds: number;
  /** Packets a second; 0: as fast as it goes. */
  rate: number;
  /** Of the machine's clock, where several generators begin at once; 0: at once. */
  startAtMs: number;
}

/**
 * Runs of the program to see how long one takes. Making and removing the page pool of a call takes the kernel some 20 ms, so
 * after these there is one more call, as long as the whole measurement.
 */
const TRIAL_RUNS = 1 << 13;
const RUNS_MAX = 2 ** 31 - 1;
/** Frames between two runs of the softirq, which must not fill a veth's ring (256, drivers/net/veth.c VETH_RING_SIZE). */
const BATCH = 64;

/** What is printed. */
export interface Generated {
  sent: number;
  /** Between the first and the last frame. */
  seconds: number;
  /**
   * What the kernel counts as the program's time (net/bpf/test_run.c, bpf_test_timer_continue): sending, and the softirqs that
   * carry the frames on this CPU, but not the time that others had the CPU.
   */
  busySeconds: number;
}

const NS_PER_S = 1e9;

/** @throws Error when it is later than that: the others have begun without this one */
async function beginAt(startAtMs: number): Promise<void> {
  if (startAtMs === 0) return;
  const left = startAtMs - Date.now();
  if (left < 0) throw new Error(`generator: ready ${-left} ms after it was to begin`);
  await sleep(left);
}

/** Only when started as a program: the types are imported elsewhere. */
if (isMain(import.meta.url)) {
  const [argument = ''] = process.argv.slice(2);
  const { family, frameBytes, flows, spread, endpoints, ifindex, seconds, rate, startAtMs } = JSON.parse(
    argument,
  ) as GenerateOptions;
  const frame = makeFrame(family, frameBytes);
  const data = Buffer.alloc(frameBytes);
  frame.head.copy(data, 0, 0, HEAD_BYTES);
  const order = spread === 'zipf' ? ({ spread: 'drawn', draws: zipfDraws(flows) } as const) : { spread };
  const generator = loadGenerator({ ...frame, ...order, ifindex, flows, endpoints, rate });
  try {
    await beginAt(startAtMs);
    const trialNs = generator.run(data, TRIAL_RUNS, BATCH);
    const tried = generator.counters();
    generator.reset();
    const runs = Math.min(RUNS_MAX, Math.ceil((seconds * NS_PER_S) / Math.max(1, trialNs)));
    const runNs = generator.run(data, runs, BATCH);
    const { sent, spanNs } = generator.counters();
    const result: Generated = {
      sent: tried.sent + sent,
      // Of all that was sent, as if the trial had gone at the same speed: it is too short to be timed by itself.
      seconds: (spanNs / NS_PER_S) * ((tried.sent + sent) / sent),
      busySeconds: ((runs * runNs) / NS_PER_S) * ((tried.sent + sent) / sent),
    };
    process.stdout.write(JSON.stringify(result) + '\n');
  } finally {
    generator.close();
  }
}
