/** Server-sent events (WHATWG HTML, section 9.2): the lines of the agent's log. */
import { busy } from './problem.js';
import type { ServerResponse } from 'node:http';

const MAX_READERS = 8;
/** Bytes buffered for a reader; slower readers are disconnected. */
const MAX_WAITING_BYTES = 262_144;
const HEARTBEAT_MS = 15_000;
export const EVENTS_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' };

export class EventStreams {
  readonly #readers = new Set<ServerResponse>();
  readonly #onWanted: (wanted: boolean) => void;
  #heartbeat: NodeJS.Timeout | undefined;
  #id = 0;
  /** Number of readers disconnected because they were too slow. */
  dropped = 0;

  /** @param onWanted called when the first reader connects and when the last one has gone */
  constructor(onWanted: (wanted: boolean) => void) {
    this.#onWanted = onWanted;
  }

  /** @throws Problem (503) if there are too many */
  add(response: ServerResponse): void {
    if (this.#readers.size >= MAX_READERS) {
      throw busy('too-many-readers', `${MAX_READERS} readers of events are connected: expected fewer`);
    }
    response.writeHead(200, EVENTS_HEADERS);
    response.write(': events\n\n');
    this.#readers.add(response);
    if (this.#readers.size === 1) this.#begin();
    response.once('close', () => {
      if (!this.#readers.delete(response) || this.#readers.size > 0) return;
      clearInterval(this.#heartbeat);
      this.#onWanted(false);
    });
  }

  /** @param line a line of JSON */
  send(line: string): void {
    this.#id += 1;
    this.#write(`id: ${this.#id}\nevent: log\ndata: ${line.trimEnd()}\n\n`);
  }

  close(): void {
    for (const response of this.#readers) response.end();
  }

  #begin(): void {
    this.#onWanted(true);
    this.#heartbeat = setInterval(() => {
      this.#write(': \n\n');
    }, HEARTBEAT_MS);
  }

  #write(text: string): void {
    for (const response of this.#readers) {
      if (response.writableLength > MAX_WAITING_BYTES) {
        this.dropped += 1;
        response.destroy();
      } else response.write(text);
    }
  }
}
