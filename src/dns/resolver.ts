/** Passes queries by UDP to the resolver, and its answers back. A resolver that refuses or is silent ends them. */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { idOf, isAnswerTo, questionOf, writeId } from './message.js';
import type { Socket } from 'node:dgram';

const ID_LIMIT = 0x1_0000;
/** Connected sockets, each with a source port of the kernel's choice. */
const SOCKETS = 16;
const MAX_PENDING_PER_SOCKET = 4096;
/** Older queries have no answer: clients have asked again. */
const TIMEOUT_MS = 5000;
const SWEEP_MS = 500;

/** Takes the answer; undefined: there is none. */
type Done = (answer: Buffer | undefined) => void;

interface Pending {
  id: number;
  question: Buffer;
  expires: number;
  done: Done;
}

/** A connected socket, and the queries that wait for an answer to it, in the order of their expiry. */
class Channel {
  readonly socket: Socket;
  readonly pending = new Map<number, Pending>();
  /** Queries until the socket is connected, which takes a turn of the event loop. */
  #waiting: Buffer[] = [];
  #state: 'none' | 'connecting' | 'connected' = 'none';
  readonly #address: string;
  readonly #port: number;

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
    this.socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    this.socket.on('message', (message) => {
      this.#take(message);
    });
    // The host of the resolver says that nothing listens (ICMP), or there is no route.
    this.socket.on('error', () => {
      if (this.#state === 'connecting') this.#state = 'none';
      this.#waiting = [];
      this.endAll();
    });
    this.socket.on('connect', () => {
      this.#state = 'connected';
      for (const message of this.#waiting.splice(0)) this.socket.send(message);
    });
  }

  #take(message: Buffer): void {
    if (message.length < 2) return;
    const id = idOf(message);
    const query = this.pending.get(id);
    if (query === undefined || !isAnswerTo(message, query.question)) return;
    this.pending.delete(id);
    writeId(message, query.id);
    query.done(message);
  }

  send(query: Buffer, done: Done): void {
    let id = randomInt(ID_LIMIT);
    while (this.pending.has(id)) id = (id + 1) % ID_LIMIT;
    const question = Buffer.from(questionOf(query));
    this.pending.set(id, { id: idOf(query), question, expires: performance.now() + TIMEOUT_MS, done });
    const message = Buffer.from(query);
    writeId(message, id);
    if (this.#state === 'connected') {
      this.socket.send(message);
      return;
    }
    this.#waiting.push(message);
    if (this.#state === 'connecting') return;
    this.#state = 'connecting';
    this.socket.connect(this.#port, this.#address);
  }

  end(id: number): void {
    const query = this.pending.get(id);
    this.pending.delete(id);
    query?.done(undefined);
  }

  endAll(): void {
    for (const id of [...this.pending.keys()]) this.end(id);
  }

  endExpired(): void {
    const now = performance.now();
    for (const [id, { expires }] of this.pending) {
      if (expires > now) break;
      this.end(id);
    }
  }
}

export class Resolver {
  readonly #channels: Channel[];
  readonly #timer: NodeJS.Timeout;
  #next = 0;

  constructor(address: string, port: number, sockets = SOCKETS) {
    this.#channels = Array.from({ length: sockets }, () => new Channel(address, port));
    this.#timer = setInterval(() => {
      for (const channel of this.#channels) channel.endExpired();
    }, SWEEP_MS);
  }

  /** @returns false if too many queries wait already */
  ask(query: Buffer, done: Done): boolean {
    this.#next = (this.#next + 1) % this.#channels.length;
    const channel = this.#channels[this.#next];
    if (channel === undefined || channel.pending.size >= MAX_PENDING_PER_SOCKET) return false;
    channel.send(query, done);
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { socket, pending } of this.#channels) {
      pending.clear();
      socket.close();
    }
  }
}
