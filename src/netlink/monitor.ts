/**
 * Notifications: a socket of its own that calls back with decoded batches. Hints, not truth: when the kernel drops some
 * for want of buffer (ENOBUFS), the consumer has to list everything again.
 */
import { errnoName, NetlinkError } from './error.js';
import { libcClose, type PollHandle, pollReadable } from './ffi.js';
import type { MessageView } from './reader.js';
import { ENOBUFS, NetlinkReceiver, openNetlink, type NetlinkSocketOptions } from './transport.js';

/** 20,000 notices fit. */
const DEFAULT_RECEIVE_BUFFER_BYTES = 32 * 1024 * 1024;
/** Datagrams taken before the event loop gets its turn. */
const MAX_DATAGRAMS_PER_TURN = 512;

export interface NetlinkMonitorOptions<E> extends NetlinkSocketOptions {
  groups: readonly number[];
  /** makes an event of a message; undefined leaves it out. It must not keep the view (decodeEvent, decodeNftablesEvent) */
  decode: (message: MessageView) => E | undefined;
  /** events in the kernel's order, at least one */
  onEvents: (events: E[]) => void;
  /** notifications were lost: list everything again */
  onOverflow: () => void;
  /** a callback or decoder threw, or reading failed; default: thrown as an uncaught exception */
  onError?: (error: unknown) => void;
}

export class NetlinkMonitor<E> {
  readonly netns: string | undefined;
  readonly portId: number;
  readonly #options: NetlinkMonitorOptions<E>;
  readonly #fd: number;
  readonly #receiver: NetlinkReceiver;
  readonly #poll: PollHandle;
  #scheduled = false;
  #open = true;

  private constructor(options: NetlinkMonitorOptions<E>) {
    this.#options = options;
    this.netns = options.netns;
    const { fd, portId } = openNetlink({ receiveBufferBytes: DEFAULT_RECEIVE_BUFFER_BYTES, ...options });
    this.#fd = fd;
    this.portId = portId;
    this.#receiver = new NetlinkReceiver(fd);
    try {
      this.#poll = pollReadable(fd, this.#onPoll);
    } catch (error) {
      libcClose(fd);
      throw error;
    }
  }

  /**
   * Subscribes. Events that come between this call and the first dump are kept: open the monitor first, then list.
   * @throws NetnsError, SystemCallError
   */
  static open<E>(options: NetlinkMonitorOptions<E>): NetlinkMonitor<E> {
    return new NetlinkMonitor(options);
  }

  /** Ends the callbacks. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poll.close();
    // libuv drops the descriptor from epoll with the handle; closing it earlier would let the number be reused.
    setImmediate(() => libcClose(this.#fd));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Whether the monitor keeps the process running (the default). */
  unref(): void {
    this.#poll.unref();
  }

  ref(): void {
    this.#poll.ref();
  }

  /**
   * Runs outside of Node's callback scope, where exceptions vanish and promises stall: it only schedules the reading,
   * which the event loop does right after this poll phase.
   */
  readonly #onPoll = (status: number): void => {
    if (!this.#open) return;
    // An error on the socket (ENOBUFS; libuv says EBADF) has stopped the polling; reading takes the error off.
    if (status < 0) this.#poll.start({ readable: true }, this.#onPoll);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#drain);
  };

  readonly #drain = (): void => {
    this.#scheduled = false;
    if (!this.#open) return;
    const events: E[] = [];
    let overflow = false;
    for (let taken = 0; taken < MAX_DATAGRAMS_PER_TURN; taken++) {
      let length: number;
      try {
        length = this.#receiver.receive();
      } catch (error) {
        // A datagram beyond any the kernel sends: what it said is lost.
        overflow = true;
        this.#report(error);
        continue;
      }
      if (length === 0) break;
      if (length === -ENOBUFS) {
        overflow = true;
        continue;
      }
      if (length < 0) {
        this.#report(new NetlinkError({ operation: 'netlink notifications', errno: -length }));
        overflow = true;
        if (errnoName(-length) !== 'EINTR') break;
        continue;
      }
      this.#decode(length, events);
    }
    if (events.length > 0) {
      this.#call(() => {
        this.#options.onEvents(events);
      });
    }
    if (overflow && this.#open) this.#call(this.#options.onOverflow);
  };

  #decode(length: number, events: E[]): void {
    const view = this.#receiver.view;
    for (let at = view.moveTo(0, length); at >= 0; at = view.moveTo(at, length)) {
      try {
        const event = this.#options.decode(view);
        if (event !== undefined) events.push(event);
      } catch (error) {
        this.#report(error);
      }
    }
  }

  #call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    const { onError } = this.#options;
    if (onError) onError(error);
    else
      process.nextTick(() => {
        throw error;
      });
  }
}
