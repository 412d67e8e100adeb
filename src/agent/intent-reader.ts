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

/** What a worker is given. */
export interface WorkerTask {
  config: NodeConfig;
  /** The node file that `config` was read from. */
  configFile: string;
  /** Where the copy goes (intent-copy.ts). */
  runDirectory: string;
  unlessDigest: string | undefined;
}

export type FromWorker =
  | { type: 'piece'; piece: IntentPiece }
  | { type: 'end'; digest: string; signature: string }
  | { type: 'refused'; file: string; issues: IntentIssue[]; message: string }
  | { type: 'failed'; message: string };

/** Bytes of an intent file that are read and checked within some 10 ms; YAML takes ten times as long as JSON. */
const SMALL_BYTES = { json: 65_536, yaml: 4096 } as const;

/** The bundle and dist/ have it beside this module; the sources are run by a test, beside what was built. */
const WORKER_PLACES = ['./intent-worker.js', '../../dist/bin/intent-worker.js'];

/** Reads the intent file for an agent: a small one at once, a large one in a thread, so that the agent's event loop turns meanwhile. */
export class IntentReader {
  readonly #task: Omit<WorkerTask, 'unlessDigest'>;
  #worker: Worker | undefined;

  constructor(task: Omit<WorkerTask, 'unlessDigest'>) {
    this.#task = task;
  }

  /**
   * @returns what heldBy keeps for the node
   * @throws IntentError
   */
  read(unlessDigest: string | undefined): NodeIntent | Promise<NodeIntent> {
    const task = { ...this.#task, unlessDigest };
    return this.#isSmall ? readHere(task) : this.#readInWorker(task);
  }

  /** Ends the reading that is under way, which then fails. */
  close(): void {
    void this.#worker?.terminate();
  }

  get #isSmall(): boolean {
    const { intent } = this.#task.config;
    try {
      return statSync(intent).size <= SMALL_BYTES[formatOf(intent)];
    } catch {
      // Nothing can be read: to be refused is a matter of microseconds.
      return true;
    }
  }

  #readInWorker(workerData: WorkerTask): Promise<NodeIntent> {
    const worker = new Worker(workerFile(), { workerData });
    this.#worker = worker;
    const assembly = new IntentAssembly();
    let pieces = 0;
    return new Promise<NodeIntent>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        switch (message.type) {
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
        void worker.terminate();
      });
      worker.once('error', reject);
      worker.once('exit', () => {
        if (this.#worker === worker) this.#worker = undefined;
        reject(new Error(`${workerData.config.intent}: the thread that reads it has ended`));
      });
      worker.postMessage('next');
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
