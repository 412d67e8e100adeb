/** Decisions that policies with `log` tell of (struct policy_event of bpf/abi/nn_types.h), read from a network node's one ring. */
import { join } from 'node:path';
import { getAddress } from '../../ebpf/bytes.js';
import { PolicyLogEvent } from '../../ebpf/generated/steering.js';
import { monotonic } from '../../ebpf/trace-session.js';
import { withNodeLock, LockedError } from '../../kernel/lock.js';
import { type BpfMap, RingBuffer } from 'libbpf-ts';
import { protocolWord } from '../inspect/format.js';
import { sleep } from './session.js';
import type { FastpathStore } from '../../ebpf/fastpath.js';

/** How often the maps are looked at, milliseconds. */
const TICK_MS = 1000;
const LOCK_DIRECTORY = 'denials';
const TCP = 6;
const UDP = 17;

/** A decision, in numbers where names are others' business. */
export interface LoggedDecision {
  /** ns of CLOCK_MONOTONIC */
  time: bigint;
  /** Number of a reason. */
  reason: number;
  /** Name; null: it is known no more. */
  policy: string | null;
  /** Zones; 0: not known. */
  from: number;
  to: number;
  source: string;
  destination: string;
  protocol: string;
  sourcePort: number | null;
  destinationPort: number | null;
  /** Of the packet, with its IP header. */
  length: number;
  /** Decisions before it that the program did not tell: beyond its rate, or there was no room. */
  suppressed: number;
}

export interface PolicyLogOptions {
  fastpath: FastpathStore;
  /** Of the node. */
  runDirectory: string;
  onDecision: (decision: LoggedDecision) => void;
  /** Once a second. */
  onTick: () => void;
  /** In words, what is to be known of the ring. */
  onChange: (text: string) => void;
}

/** Reads the ring for as long as a command runs. A ring has one reader: two would take records from each other. */
export class PolicyLogReader {
  readonly #options: PolicyLogOptions;
  #ring: { map: BpfMap; buffer: RingBuffer } | undefined;
  #isAlone = false;

  constructor(options: PolicyLogOptions) {
    this.#options = options;
  }

  /** Whether it reads: what is not read here is told by nobody else in this process. */
  get isReading(): boolean {
    return this.#ring !== undefined;
  }

  /** Reads until it is stopped; on a node that is no network node it waits to become one. */
  async run(stopped: AbortSignal): Promise<void> {
    const { runDirectory, onChange } = this.#options;
    try {
      await withNodeLock(join(runDirectory, LOCK_DIRECTORY), () => this.#follow(stopped), 0);
    } catch (error) {
      if (!(error instanceof LockedError) || this.#isAlone) throw error;
      if (this.#options.fastpath.steering.maps === undefined) return;
      onChange('another segue monitor is told of what policies with "log" decide: this one is not');
    }
  }

  async #follow(stopped: AbortSignal): Promise<void> {
    this.#isAlone = true;
    try {
      while (!stopped.aborted) {
        this.#look();
        await sleep(TICK_MS, stopped);
        this.#options.onTick();
      }
      this.#ring?.buffer.consume();
      this.#options.onTick();
    } finally {
      this.#close();
    }
  }

  #look(): void {
    const denials = this.#options.fastpath.steering.maps?.sg_policy_log;
    if (denials?.info.id === this.#ring?.map.info.id) return;
    this.#close();
    if (denials === undefined) return;
    const map = denials.clone();
    const began = monotonic();
    let before = 0;
    const buffer = new RingBuffer(
      map,
      (record) => {
        const event = PolicyLogEvent.decode(record, 0);
        if (event.time < began) before += 1;
        else this.#options.onDecision(this.#read(record, event));
      },
      { reuse: true },
    );
    buffer.consume();
    buffer.start();
    this.#ring = { map, buffer };
    if (before > 0) this.#options.onChange(`${before} logged decisions from before are passed over`);
  }

  #close(): void {
    this.#ring?.buffer.close();
    this.#ring?.map.close();
    this.#ring = undefined;
  }

  #read(record: Buffer, { flow, policy: slot, ...event }: PolicyLogEvent): LoggedDecision {
    const { steering } = this.#options.fastpath;
    const { time, reason, from, to, length, suppressed } = event;
    const at = PolicyLogEvent.OFFSETS.flow;
    const hasPorts = flow.protocol === TCP || flow.protocol === UDP;
    return {
      ...{ time, reason, from, to, length, suppressed },
      policy: steering.policyOfSlot(slot) ?? null,
      source: getAddress(record, at, flow.family),
      destination: getAddress(record, at + flow.source.length, flow.family),
      protocol: protocolWord(flow.protocol),
      sourcePort: hasPorts ? flow.sourcePort : null,
      destinationPort: hasPorts ? flow.destPort : null,
    };
  }
}
