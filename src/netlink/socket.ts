/**
 * A netlink socket for requests: batches, dumps, single questions. It knows no meaning, only headers.
 * rtnetlink carries a request out inside send(), so the answers are there when send() returns, and so is the first part
 * of a dump; every later part is made while the one before it is read. Nothing here waits.
 */
import {
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP_INTR,
  NLM_F_MULTI,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from './constants.js';
import { errnoName, NetlinkError } from './error.js';
import { lastErrno, libcClose, libcSend } from './ffi.js';
import { AttributeReader, type MessageView } from './reader.js';
import type { NetlinkRequest } from './request.js';
import {
  ENOBUFS,
  MSG_DONTWAIT,
  NetlinkReceiver,
  type NetlinkProtocol,
  type NetlinkSocketOptions,
  openNetlink,
  netnsCookie,
} from './transport.js';
import { MessageWriter } from './writer.js';

export type { NetlinkProtocol, NetlinkSocketOptions } from './transport.js';

const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_OFFS = 2;

/** Messages in one send(); beyond it the answers to a batch that fails altogether crowd the receive buffer. */
export const MAX_BATCH = 128;
/** A dump the objects changed under is started again this often. */
const MAX_DUMP_ATTEMPTS = 16;
export type NetlinkResult = { ok: true } | { ok: false; error: NetlinkError };

/** Waits before a single request is tried again, milliseconds. */
const REQUEST_PAUSES_MS = [0.1, 0.5, 2, 10];
const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));

const OK: NetlinkResult = { ok: true };

/** What an NLMSG_ERROR or NLMSG_DONE says: 0 or a negative errno, then extended ACK attributes. */
function readError(view: MessageView, operation: string): NetlinkError | undefined {
  const errno = view.end - view.start >= 4 ? -view.i32(0) : 0;
  if (errno === 0) return undefined;
  let kernelMessage: string | undefined;
  let attributeOffset: number | undefined;
  if ((view.flags & NLM_F_ACK_TLVS) !== 0) {
    let at = view.start + 4;
    if (view.type === NLMSG_ERROR) {
      // The request's header is quoted; its payload too unless capped.
      const quoted = view.flags & NLM_F_CAPPED ? NLMSG_HDRLEN : (view.buffer.readUInt32LE(at) + 3) & ~3;
      at += quoted;
    }
    const reader = new AttributeReader(view.buffer, at, view.end);
    while (reader.next()) {
      if (reader.type === NLMSGERR_ATTR_MSG) kernelMessage = reader.string();
      else if (reader.type === NLMSGERR_ATTR_OFFS) attributeOffset = reader.u32();
    }
  }
  return new NetlinkError({
    operation,
    errno,
    ...(kernelMessage === undefined ? {} : { kernelMessage }),
    ...(attributeOffset === undefined ? {} : { attributeOffset }),
  });
}

function encodeFailure(request: NetlinkRequest, cause: unknown): NetlinkResult {
  const kernelMessage = cause instanceof Error ? cause.message : String(cause);
  const detail = { operation: request.describe(), errno: 0, code: 'NETLINK_ENCODE', kernelMessage, cause };
  return { ok: false, error: new NetlinkError(detail) };
}

export class NetlinkSocket {
  readonly protocol: NetlinkProtocol;
  readonly netns: string | undefined;
  /** nlmsg_pid of notifications our requests cause */
  readonly portId: number;
  /** dumps that had to be started again, since the socket was opened */
  dumpRestarts = 0;
  readonly #fd: number;
  readonly #writer = new MessageWriter();
  readonly #receiver: NetlinkReceiver;
  #seq = 0;
  #open = true;
  /** inside of a dump, whose decoder must not use this socket: it would take the dump's own messages */
  #dumping = false;

  private constructor(options: NetlinkSocketOptions, fd: number, portId: number) {
    this.protocol = options.protocol;
    this.netns = options.netns;
    this.portId = portId;
    this.#fd = fd;
    this.#receiver = new NetlinkReceiver(fd);
  }

  /**
   * @throws NetnsError when the namespace is absent, SystemCallError when the socket cannot be made
   */
  static open(options: NetlinkSocketOptions): NetlinkSocket {
    const { fd, portId } = openNetlink(options);
    return new NetlinkSocket(options, fd, portId);
  }

  /** The number of its network namespace, which no other has until the machine starts again; undefined before Linux 5.14. */
  netnsCookie(): bigint | undefined {
    return netnsCookie(this.#fd);
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    libcClose(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #nextSeq(): number {
    this.#seq = this.#seq >= 0x7fffffff ? 1 : this.#seq + 1;
    return this.#seq;
  }

  /** Of a request for sockets of another protocol: the kernel would take its type for something else (ENODEV, at best). */
  #protocolMismatch(request: NetlinkRequest): NetlinkError | undefined {
    const { protocol = 'route' } = request;
    if (protocol === this.protocol) return undefined;
    return new NetlinkError({
      operation: request.describe(),
      errno: 0,
      code: 'NETLINK_ARGUMENT',
      kernelMessage: `it was given to a ${this.protocol} socket: expected one of protocol ${protocol}`,
    });
  }

  /** @returns errno, 0 when all was sent */
  #send(): number {
    if (!this.#open) throw new TypeError('netlink socket: expected an open socket');
    if (this.#dumping)
      throw new TypeError('netlink socket: used by the decoder of its own dump: expected another socket');
    const data = this.#writer.buffer;
    return libcSend(this.#fd, data, this.#writer.length, MSG_DONTWAIT) < 0 ? lastErrno() : 0;
  }

  /**
   * Carries requests out in order, up to MAX_BATCH in one system call, and tells the result of each. Only the last of
   * a batch asks for an ACK: errors come without asking, and a request that has brought none when the last is answered
   * is done. The kernel goes on after an error.
   */
  execute(requests: readonly NetlinkRequest[]): NetlinkResult[] {
    const results: NetlinkResult[] = [];
    let next = 0;
    while (next < requests.length) next = this.#executeBatch(requests, next, results);
    return results;
  }

  /** @returns index of the first request that was not dealt with */
  #executeBatch(requests: readonly NetlinkRequest[], first: number, results: NetlinkResult[]): number {
    const writer = this.#writer;
    writer.rewind();
    let index = first;
    const firstSeq = this.#nextSeq();
    let lastStart = -1;
    let lastIndex = -1;
    for (; index < requests.length && index - first < MAX_BATCH && writer.hasRoom; index++) {
      const request = requests[index];
      if (request === undefined) continue;
      const start = writer.length;
      const mismatch = this.#protocolMismatch(request);
      if (mismatch !== undefined) {
        results[index] = { ok: false, error: mismatch };
        continue;
      }
      try {
        request.encode(writer);
      } catch (error) {
        writer.rewind(start);
        results[index] = encodeFailure(request, error);
        continue;
      }
      results[index] = OK;
      lastStart = start;
      lastIndex = index;
      this.#seq = firstSeq + (index - first);
      writer.patch(start, this.#seq, 0);
    }
    if (lastStart < 0) return index;
    writer.patch(lastStart, this.#seq, NLM_F_ACK);
    const fail = (at: number, errno: number, code?: string, kernelMessage?: string): void => {
      const operation = requests[at]?.describe() ?? 'netlink request';
      const detail = { operation, errno, ...(code && { code }), ...(kernelMessage && { kernelMessage }) };
      results[at] = { ok: false, error: new NetlinkError(detail) };
    };
    const sendErrno = this.#send();
    if (sendErrno !== 0) {
      for (let at = first; at < index; at++) if (results[at]?.ok) fail(at, sendErrno);
      return index;
    }
    if (!this.#collectAnswers(requests, results, first, firstSeq, lastIndex)) {
      // Without the last answer silence means nothing: any of these may have failed.
      for (let at = first; at < index; at++) {
        if (results[at]?.ok) fail(at, ENOBUFS, 'NETLINK_LOST', 'the answer was lost: receive buffer full');
      }
    }
    return index;
  }

  /** Reads answers until that of the last request; false when it is not there. */
  #collectAnswers(
    requests: readonly NetlinkRequest[],
    results: NetlinkResult[],
    first: number,
    firstSeq: number,
    lastIndex: number,
  ): boolean {
    const view = this.#receiver.view;
    for (;;) {
      const length = this.#receiver.receive();
      if (length === -ENOBUFS) continue;
      if (length <= 0) return false;
      for (let at = view.moveTo(0, length); at >= 0; at = view.moveTo(at, length)) {
        if (view.type !== NLMSG_ERROR) continue;
        const index = first + view.seq - firstSeq;
        const request = requests[index];
        if (index < first || index > lastIndex || request === undefined) continue;
        const errno = -view.i32(0);
        if (errno !== 0) {
          const error = readError(view, request.describe());
          if (error) results[index] = { ok: false, error };
        }
        if (index === lastIndex) return true;
      }
    }
  }

  /**
   * Carries one request out; one that the kernel had no memory for is tried again a few times (the per-CPU allocation in
   * an encapsulation is atomic, and refilled within a millisecond).
   * @throws NetlinkError
   */
  request(request: NetlinkRequest): void {
    for (let attempt = 0; ; attempt++) {
      const result = this.execute([request])[0];
      if (result === undefined || result.ok) return;
      const pauseMs = result.error.errnoName === 'ENOMEM' ? REQUEST_PAUSES_MS[attempt] : undefined;
      if (pauseMs === undefined) throw result.error;
      Atomics.wait(NEVER_WOKEN, 0, 0, pauseMs);
    }
  }

  /**
   * Puts one question whose answer is one object.
   * @returns what `decode` makes of the answer, undefined when there was no answer it knows
   * @throws NetlinkError when the kernel refuses (ENOENT, ENODEV… when the object is absent)
   */
  get<T>(request: NetlinkRequest, decode: (message: MessageView) => T | undefined): T | undefined {
    return this.#exchange(request, NLM_F_ACK, decode).values[0];
  }

  /**
   * Lists objects. A dump the objects changed under (NLM_F_DUMP_INTR), or one that lost its thread, is started again.
   * @param decode makes a value of each message; undefined leaves it out. It must not keep the view
   * @throws NetlinkError; NETLINK_DUMP_INTERRUPTED after MAX_DUMP_ATTEMPTS
   */
  dump<T>(request: NetlinkRequest, decode: (message: MessageView) => T | undefined): T[] {
    let reason = '';
    for (let attempt = 0; attempt < MAX_DUMP_ATTEMPTS; attempt++) {
      const { values, again } = this.#exchange(request, 0, decode);
      if (again === undefined) return values;
      this.dumpRestarts++;
      reason = again;
    }
    throw new NetlinkError({
      operation: request.describe(),
      errno: 0,
      code: 'NETLINK_DUMP_INTERRUPTED',
      kernelMessage: `${reason}, ${MAX_DUMP_ATTEMPTS} times in a row`,
    });
  }

  /** One question and everything that answers it; `again` says why the answer cannot be used. */
  #exchange<T>(
    request: NetlinkRequest,
    flags: number,
    decode: (message: MessageView) => T | undefined,
  ): { values: T[]; again?: string } {
    const mismatch = this.#protocolMismatch(request);
    if (mismatch !== undefined) throw mismatch;
    this.#writer.rewind();
    try {
      request.encode(this.#writer);
    } catch (error) {
      const failure = encodeFailure(request, error);
      throw failure.ok ? error : failure.error;
    }
    const seq = this.#nextSeq();
    this.#writer.patch(0, seq, flags);
    const sendErrno = this.#send();
    if (sendErrno !== 0) throw new NetlinkError({ operation: request.describe(), errno: sendErrno });
    this.#dumping = true;
    try {
      return this.#readAnswers(request, seq, decode);
    } finally {
      this.#dumping = false;
    }
  }

  #readAnswers<T>(
    request: NetlinkRequest,
    seq: number,
    decode: (message: MessageView) => T | undefined,
  ): { values: T[]; again?: string } {
    const values: T[] = [];
    const view = this.#receiver.view;
    let interrupted = false;
    // A decoder that throws must not leave half a dump in the socket: read on, then tell.
    let thrown: { error: unknown } | undefined;
    let broken: string | undefined;
    for (;;) {
      const length = this.#receiver.receive();
      if (length === 0) return { values, again: broken ?? 'the dump ended without its end mark' };
      if (length < 0) {
        // Read on: the next dump is refused (EBUSY) while this one is not at its end.
        broken = `reading failed with ${errnoName(-length)}`;
        if (-length === ENOBUFS) continue;
        return { values, again: broken };
      }
      for (let at = view.moveTo(0, length); at >= 0; at = view.moveTo(at, length)) {
        if (view.seq !== seq) continue;
        if ((view.flags & NLM_F_DUMP_INTR) !== 0 && (view.flags & NLM_F_MULTI) !== 0) interrupted = true;
        if (view.type === NLMSG_DONE || view.type === NLMSG_ERROR) {
          const error = readError(view, request.describe());
          if (error && !request.emptyWhen?.includes(error.errnoName)) throw error;
          if (thrown) throw thrown.error;
          if (broken !== undefined) return { values, again: broken };
          return interrupted ? { values, again: 'the objects changed while they were listed' } : { values };
        }
        if (thrown || interrupted) continue;
        try {
          const value = decode(view);
          if (value !== undefined) values.push(value);
        } catch (error) {
          thrown = { error };
        }
      }
    }
  }
}
