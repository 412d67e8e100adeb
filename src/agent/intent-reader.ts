import { existsSync, statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { IntentError } from '../intent/errors.js';
import { formatOf } from '../intent/read.js';
import { relevantTo } from '../app/intent.js';
import { keepIntentCopy } from './intent-copy.js';
import { IntentAssembly } from './intent-pieces.js';
import { readNodeIntent, signatureOfConfig } from './node-intent.js';
import type { IntentIssue } from '../intent/errors.js';
import type { NodeConfig } from '../intent/types.js';
import type { IntentPiece } from './intent-pieces.js';
import type { NodeIntent } from './node-intent.js';

/** Input of a worker. */
export interface WorkerTask {
  config: NodeConfig;
  /** The node file that `config` was read from. */
  configFile: string;
  /** Directory of the copy (intent-copy.ts). */
  runDirectory: string;
  unlessDigest: string | undefined;
}

export type FromWorker =
  /** The worker has loaded its modules. */
  | { type: 'loaded' }
  | { type: 'piece'; piece: IntentPiece }
  | { type: 'end'; digest: string; signature: string }
  | { type: 'refused'; file: string; issues: IntentIssue[]; message: string }
  | { type: 'failed'; message: string };

/** Size in bytes up to which an intent file is read and checked within some 10 ms; YAML takes ten times as long as JSON. */
const SMALL_BYTES = { json: 65_536, yaml: 4096 } as const;

/** Pieces in flight: the worker makes some while the receiver parses others. */
const PIECES_AHEAD = 4;

/** The bundle and dist/ have the worker beside this module. Tests run the sources, and the worker from what was built. */
const WORKER_PLACES = ['./intent-worker.js', '../../dist/bin/intent-worker.js'];

/** Reads the intent file for an agent: a small file at once, a large one in a worker thread, so that the agent's event loop is not blocked. */
export class IntentReader {
  readonly #task: Omit<WorkerTask, 'unlessDigest'>;
  /** Ends the current worker. */
  #end: (() => void) | undefined;

  constructor(task: Omit<WorkerTask, 'unlessDigest'>) {
    this.#task = task;
  }

  /**
   * @returns the part that `relevantTo` keeps for the node
   *
   * @throws IntentError
   */
  read(unlessDigest: string | undefined): NodeIntent | Promise<NodeIntent> {
    const task = { ...this.#task, unlessDigest };
    return this.#isSmall ? readHere(task) : this.#readInWorker(task);
  }

  /** Aborts the reading in progress, which then rejects. */
  close(): void {
    this.#end?.();
  }

  get #isSmall(): boolean {
    const { intent } = this.#task.config;
    try {
      return statSync(intent).size <= SMALL_BYTES[formatOf(intent)];
    } catch {
      // The file is unreadable: reading it in this thread fails within microseconds.
      return true;
    }
  }

  #readInWorker(workerData: WorkerTask): Promise<NodeIntent> {
    const worker = new Worker(workerFile(), { workerData });
    // Terminating a thread while it binds functions of libc aborts the whole process (napi_throw in koffi).
    let isLoaded = false;
    let isToEnd = false;
    const end = (): void => {
      isToEnd = true;
      if (isLoaded) void worker.terminate();
    };
    this.#end = end;
    const assembly = new IntentAssembly();
    let pieces = 0;
    return new Promise<NodeIntent>((resolve, reject) => {
      const take = (message: FromWorker): void => {
        switch (message.type) {
          case 'loaded':
            isLoaded = true;
            if (isToEnd) end();
            return;
          case 'piece':
            assembly.add(message.piece);
            pieces += 1;
            worker.postMessage('next');
            return;
          case 'end': {
            const { digest, signature } = message;
            resolve({ digest, signature, ...(pieces > 0 && { intent: assembly.intent }) });
            break;
          }
          case 'refused':
            reject(new IntentError(message.file, message.issues, message.message));
            break;
          case 'failed':
            reject(new Error(message.message));
        }
        end();
      };
      // All pending messages are delivered in one turn of the event loop. Each is handled in a turn of its own.
      worker.on('message', (message: FromWorker) => setImmediate(take, message));
      worker.once('error', reject);
      worker.once('exit', () => {
        if (this.#end === end) this.#end = undefined;
        reject(new Error(`${workerData.config.intent}: the thread that reads it has ended`));
      });
      for (let at = 0; at < PIECES_AHEAD; at++) worker.postMessage('next');
    });
  }
}

function readHere({ config, configFile, runDirectory, unlessDigest }: WorkerTask): NodeIntent {
  const read = readNodeIntent(config, configFile, { unlessDigest, part: relevantTo });
  keepIntentCopy(runDirectory, config, read, signatureOfConfig(config, configFile));
  return read;
}

function workerFile(): URL {
  const places = WORKER_PLACES.map((place) => new URL(place, import.meta.url));
  return places.find((place) => existsSync(place)) ?? new URL(WORKER_PLACES[0] ?? '', import.meta.url);
}
