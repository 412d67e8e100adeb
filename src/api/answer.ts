/** Sends answers: short ones as a whole, long ones at the reader's pace. */
import { setImmediate as turn } from 'node:timers/promises';
import { busy } from './problem.js';
import { encodeHeader, HEADER } from './protocol.js';
import type { ServerResponse } from 'node:http';
import type { Output } from '../cli/show/output.js';
import type { Turns } from './turns.js';

/** Size in bytes up to which an answer is sent as a whole, and cached. */
const WHOLE_BYTES = 1 << 20;
/** Time-out of a reader that accepts no data, in milliseconds; then the connection is closed. */
const STALL_MS = 10_000;
/** Concurrent long answers. */
const MAX_LONG = 4;

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Messages besides the answer. */
  notes: readonly string[];
}

export function sendAnswer(response: ServerResponse, { status, headers, body, notes }: Answer): void {
  if (notes.length === 0 || !takesTrailers(response)) {
    const length = String(Buffer.byteLength(body));
    response.writeHead(status, { ...headers, ...notesIn(notes), 'content-length': length }).end(body);
    return;
  }
  response.writeHead(status, { ...headers, trailer: HEADER.notes }).write(body);
  response.addTrailers(notesIn(notes));
  response.end();
}

function notesIn(notes: readonly string[]): Record<string, string> {
  return notes.length === 0 ? {} : { [HEADER.notes]: encodeHeader(notes) };
}

/** Trailers come with the chunked transfer coding, which HTTP/1.0 and answers without a body do not have (RFC 9112 sections 6.1 and 7.1.2). */
function takesTrailers(response: ServerResponse): boolean {
  return response.useChunkedEncodingByDefault && response.req.method !== 'HEAD';
}

/** Counts the current long answers. */
export class LongAnswers {
  #count = 0;

  /** @throws Problem (503) */
  begin(): void {
    if (this.#count >= MAX_LONG)
      throw busy('too-many-requests', `${MAX_LONG} long answers are in progress: expected fewer at a time`);
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
  }
}

/** Output of a walk: buffered while it is short, else sent. The turn is released while the reader is slow. */
export class AnswerOutput implements Output {
  readonly #response: ServerResponse;
  readonly #headers: Record<string, string>;
  readonly #turns: Turns;
  readonly #long: LongAnswers;
  readonly #notes: string[] = [];
  #held: string[] = [];
  #bytes = 0;
  #isLong = false;

  /** @param turns of which the walk holds one */
  constructor(response: ServerResponse, headers: Record<string, string>, turns: Turns, long: LongAnswers) {
    this.#response = response;
    this.#headers = headers;
    this.#turns = turns;
    this.#long = long;
  }

  readonly write = async (text: string): Promise<boolean> => {
    if (!this.#isLong) {
      this.#held.push(text);
      this.#bytes += Buffer.byteLength(text);
      if (this.#bytes <= WHOLE_BYTES) return true;
      this.#long.begin();
      this.#isLong = true;
      const trailer = takesTrailers(this.#response) ? { trailer: HEADER.notes } : {};
      this.#response.writeHead(200, { ...this.#headers, ...trailer });
      text = this.#held.join('');
      this.#held = [];
    }
    this.#turns.give();
    try {
      const isOpen = this.#response.write(text) || (await drained(this.#response));
      // Yields, since a fast reader would occupy the event loop.
      await turn();
      return isOpen && !this.#response.destroyed;
    } finally {
      await this.#turns.take(true);
    }
  };

  readonly note = (line: string): void => {
    this.#notes.push(line);
  };

  /** @returns a short answer, which is still to be sent; undefined: the answer has been sent */
  end(): Answer | undefined {
    if (!this.#isLong) {
      return { status: 200, headers: this.#headers, body: this.#held.join(''), notes: this.#notes };
    }
    if (!this.#response.destroyed) {
      if (takesTrailers(this.#response)) this.#response.addTrailers(notesIn(this.#notes));
      this.#response.end();
    }
    return undefined;
  }

  /** Must be called in every case. */
  close(): void {
    if (this.#isLong) this.#long.end();
    this.#isLong = false;
  }
}

/** @returns false if the reader disconnected, or accepted no data for too long */
function drained(response: ServerResponse): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (isOpen: boolean): void => {
      clearTimeout(timer);
      response.off('drain', onDrain);
      response.off('close', onClose);
      resolve(isOpen);
    };
    const onDrain = (): void => {
      settle(true);
    };
    const onClose = (): void => {
      settle(false);
    };
    const timer = setTimeout(() => {
      response.destroy();
      settle(false);
    }, STALL_MS);
    response.on('drain', onDrain);
    response.on('close', onClose);
  });
}
