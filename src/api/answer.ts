/** Answers on their way out: short ones whole, long ones at the reader's pace. */
import { setImmediate as turn } from 'node:timers/promises';
import { busy } from './problem.js';
import { encodeHeader, HEADER } from './protocol.js';
import type { ServerResponse } from 'node:http';
import type { Output } from '../cli/show/output.js';
import type { Turns } from './turns.js';

/** Bytes of an answer that is sent whole, and kept for a moment. */
const WHOLE_BYTES = 1 << 20;
/** How long a reader may take nothing, milliseconds; then the connection ends. */
const STALL_MS = 10_000;
/** Answers that are longer, at a time. */
const MAX_LONG = 4;

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Lines to be said beside it. */
  notes: readonly string[];
}

export function sendAnswer(response: ServerResponse, { status, headers, body, notes }: Answer): void {
  if (notes.length === 0) {
    response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) }).end(body);
    return;
  }
  response.writeHead(status, { ...headers, trailer: HEADER.notes }).write(body);
  response.addTrailers({ [HEADER.notes]: encodeHeader(notes) });
  response.end();
}

/** How many long answers are under way. */
export class LongAnswers {
  #count = 0;

  /** @throws Problem (503) */
  begin(): void {
    if (this.#count >= MAX_LONG)
      throw busy('too-many-requests', `${MAX_LONG} long answers are under way: expected fewer`);
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
  }
}

/** What a walk writes: held while it is short, else sent, and the turn given away while the reader is slow. */
export class AnswerOutput implements Output {
  readonly #response: ServerResponse;
  readonly #headers: Record<string, string>;
  readonly #turns: Turns;
  readonly #long: LongAnswers;
  readonly #notes: string[] = [];
  #held: string[] = [];
  #bytes = 0;
  #isLong = false;

  /** @param turns of which the walk has one */
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
      this.#response.writeHead(200, { ...this.#headers, trailer: HEADER.notes });
      text = this.#held.join('');
      this.#held = [];
    }
    this.#turns.give();
    try {
      const isOpen = this.#response.write(text) || (await drained(this.#response));
      // A fast reader would keep the event loop to itself.
      await turn();
      return isOpen && !this.#response.destroyed;
    } finally {
      await this.#turns.take(true);
    }
  };

  readonly note = (line: string): void => {
    this.#notes.push(line);
  };

  /** @returns a short answer, which is yet to be sent; undefined: it has gone out */
  end(): Answer | undefined {
    if (!this.#isLong) {
      return { status: 200, headers: this.#headers, body: this.#held.join(''), notes: this.#notes };
    }
    if (!this.#response.destroyed) {
      this.#response.addTrailers({ [HEADER.notes]: encodeHeader(this.#notes) });
      this.#response.end();
    }
    return undefined;
  }

  /** Whatever became of the walk. */
  close(): void {
    if (this.#isLong) this.#long.end();
    this.#isLong = false;
  }
}

/** @returns false where the reader went, or took nothing for too long */
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
