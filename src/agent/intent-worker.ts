/** The thread that reads and checks a large intent for the agent (intent-reader.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { MAX_ISSUES_RENDERED } from '../intent/bounds.js';
import { IntentError } from '../intent/errors.js';
import { relevantTo } from '../app/intent.js';
import { keepIntentCopy } from './intent-copy.js';
import { piecesOf } from './intent-pieces.js';
import { readNodeIntent, signatureOfConfig } from './node-intent.js';
import type { FromWorker, WorkerTask } from './intent-reader.js';

const port = parentPort;
if (port === null) throw new Error('intent-worker: expected to run as a worker thread');

port.postMessage({ type: 'loaded' } satisfies FromWorker);
const messages = run(workerData as WorkerTask);
// A piece for each request: the receiver bounds the pieces in flight, and ends the thread after the last one.
port.on('message', () => {
  const next = messages.next();
  if (next.done !== true) port.postMessage(next.value);
});

function* run({ config, configFile, unlessDigest, runDirectory }: WorkerTask): Generator<FromWorker, void, undefined> {
  try {
    const read = readNodeIntent(config, configFile, { unlessDigest, part: relevantTo });
    keepIntentCopy(runDirectory, config, read, signatureOfConfig(config, configFile));
    const { intent, digest, signature } = read;
    if (intent !== undefined) for (const piece of piecesOf(intent)) yield { type: 'piece', piece };
    yield { type: 'end', digest, signature };
  } catch (error) {
    yield refusal(error);
  }
}

function refusal(error: unknown): FromWorker {
  if (error instanceof IntentError) {
    const { file, issues, message } = error;
    return { type: 'refused', file, issues: issues.slice(0, MAX_ISSUES_RENDERED), message };
  }
  return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
}
