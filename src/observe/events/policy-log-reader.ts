/** Reads decisions of policies with `log` (struct policy_log_event of bpf/abi/nn_types.h) from a network node's single ring. */
import { join } from 'node:path';
import { getAddress } from '../../ebpf/bytes.js';
import { PolicyLogEvent } from '../../ebpf/generated/steering.js';
import { monotonic } from '../../ebpf/trace-session.js';
import { withNodeLock, LockedError } from '../../kernel/lock.js';
import { type BpfMap, RingBuffer } from 'libbpf-ts';
import { protocolWord } from '../../packet/protocol-name.js';
import { sleep } from './session.js';
import type { FastpathStore } from '../../ebpf/fastpath.js';

/** Interval of checking the maps, in milliseconds. */
const TICK_MS = 1000;
const LOCK_DIRECTORY = 'denials';
const TCP = 6;
const UDP = 17;

/** A decision; only the policy is named. */
export interface LoggedDecision {
  /** ns of CLOCK_MONOTONIC */
  time: bigint;
  /** Number of a reason. */
  reason: number;
  /** Name of the policy; null if it no longer exists. */
  policy: string | null;
  /** Numbers of the zones; 0: unknown. */
  from: number;
  to: number;
  source: string;
  destination: string;
  protocol: string;
  sourcePort: number | null;
  destinationPort: number | null;
  /** Length of the packet in bytes, including the IP header. */
  length: number;
  /** Decisions that the program suppressed before this one: beyond its rate, or the ring was full. */
  suppressed: number;
}

export interface PolicyLogOptions {
  fastpath: FastpathStore;
  /** Run-time directory of the node. */
  runDirectory: string;
  onDecision: (decision: LoggedDecision) => void;
  /** Called once a second. */
  onTick: () => void;
  /** Called with messages about the ring. */
  onChange: (text: string) => void;
}

/** Reads the ring while a command runs. A ring has one reader: two would take records from each other. */
export class PolicyLogReader {
  readonly #options: PolicyLogOptions;
  #ring: { map: BpfMap; buffer: RingBuffer } | undefined;
  #isAlone = false;

  constructor(options: PolicyLogOptions) {
    this.#options = options;
  }

  /** Whether this reader holds the ring. */
  get isReading(): boolean {
    return this.#ring !== undefined;
  }

  /** Reads until it is stopped; waits on a node that is not a network node yet. */
  async run(stopped: AbortSignal): Promise<void> {
    const { runDirectory, onChange } = this.#options;
    try {
      await withNodeLock(join(runDirectory, LOCK_DIRECTORY), () => this.#follow(stopped), 0);
    } catch (error) {
      if (!(error instanceof LockedError) || this.#isAlone) throw error;
      if (this.#options.fastpath.steering.maps === undefined) return;
      onChange('another segue monitor reads the decisions of policies with "log": this one does not get them');
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
    if (before > 0) this.#options.onChange(`${before} earlier logged decisions are skipped`);
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
