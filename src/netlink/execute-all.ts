/** Many requests without holding the event loop, with retries where the kernel was only short of memory. */
import { setImmediate as yieldToLoop, setTimeout as sleep } from 'node:timers/promises';
import type { NetlinkError } from './error.js';
import type { NetlinkRequest } from './request.js';
import { MAX_BATCH, type NetlinkSocket } from './socket.js';

/** Requests in one system call. Beyond 128 the per-CPU allocations of seg6 routes start to fail. */
const DEFAULT_BATCH = 64;
/** A request the kernel had no memory for is tried this often. */
export const MAX_ATTEMPTS = 12;
/**
 * Waits before the first retries, milliseconds. The kernel refills its per-CPU memory in a worker bound to our CPU
 * (pcpu_balance_work, mm/percpu.c), which needs it for less than this: the thread sleeps, as no timer is that short.
 */
const PAUSES_MS = [0.05, 0.1, 0.2];
/** Wait before further retries: doubling from 1 ms up to this. */
const MAX_RETRY_DELAY_MS = 100;

/** The kernel, or a buffer, was full: the same request may do later. */
const RETRIED: ReadonlySet<string> = new Set(['ENOMEM', 'ENOBUFS']);

/** The part of NetlinkSocket that is used. */
export type Executor = Pick<NetlinkSocket, 'execute'>;

export interface RequestFailure {
  /** position in the iterable */
  index: number;
  request: NetlinkRequest;
  error: NetlinkError;
}

export interface ExecuteAllOptions {
  /** 1..MAX_BATCH, default DEFAULT_BATCH */
  batchSize?: number;
  /** called with each failure as it becomes final */
  onFailure?: (failure: RequestFailure) => void;
  /** stops between batches; what was not sent is neither done nor failed */
  signal?: AbortSignal;
}

export interface ExecuteAllResult {
  /** requests the kernel carried out */
  done: number;
  /** in order of the iterable */
  failures: RequestFailure[];
  /** requests sent again for want of memory, attempts counted */
  retries: number;
}

const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));

interface Pending {
  index: number;
  request: NetlinkRequest;
}

/**
 * Sends one batch until each request is done or failed for good. Every attempt sends half as many at once: what was
 * too much for a buffer or for the kernel's atomic memory is less so, down to one by one.
 */
async function settle(socket: Executor, batch: Pending[], result: ExecuteAllResult): Promise<RequestFailure[]> {
  const failures: RequestFailure[] = [];
  let pending = batch;
  for (let attempt = 1; pending.length > 0; attempt++) {
    const again: Pending[] = [];
    const size = Math.max(1, batch.length >> (attempt - 1));
    for (let start = 0; start < pending.length; start += size) {
      const chunk = pending.slice(start, start + size);
      const answers = socket.execute(chunk.map(({ request }) => request));
      chunk.forEach((entry, at) => {
        const answer = answers[at];
        if (answer === undefined || answer.ok) result.done++;
        else if (RETRIED.has(answer.error.errnoName) && attempt < MAX_ATTEMPTS) again.push(entry);
        else failures.push({ ...entry, error: answer.error });
      });
    }
    if (again.length > 0) {
      result.retries += again.length;
      const pause = PAUSES_MS[attempt - 1];
      if (pause !== undefined) Atomics.wait(NEVER_WOKEN, 0, 0, pause);
      else await sleep(Math.min(2 ** (attempt - 1 - PAUSES_MS.length), MAX_RETRY_DELAY_MS));
    }
    pending = again;
  }
  return failures.sort((a, b) => a.index - b.index);
}

/**
 * Carries requests out in order, in batches, and lets the event loop breathe between them. A failure stops nothing.
 * ENOMEM, ENOBUFS and lost answers are tried again before the next batch (so a create whose answer was lost may end as
 * EEXIST). Order holds between batches, and within one unless a request had to be retried.
 */
export async function executeAll(
  socket: Executor,
  requests: Iterable<NetlinkRequest>,
  options: ExecuteAllOptions = {},
): Promise<ExecuteAllResult> {
  const batchSize = Math.max(1, Math.min(options.batchSize ?? DEFAULT_BATCH, MAX_BATCH));
  const result: ExecuteAllResult = { done: 0, failures: [], retries: 0 };
  let batch: Pending[] = [];
  const flush = async (): Promise<void> => {
    for (const failure of await settle(socket, batch, result)) {
      result.failures.push(failure);
      options.onFailure?.(failure);
    }
    batch = [];
  };
  let index = 0;
  for (const request of requests) {
    batch.push({ index: index++, request });
    if (batch.length < batchSize) continue;
    await flush();
    if (options.signal?.aborted) return result;
    await yieldToLoop();
  }
  if (batch.length > 0) await flush();
  return result;
}
