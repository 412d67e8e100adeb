// vitest's runner, except that it loads a test file only if no other worker has taken it (netns-worker.js).
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { TestRunner } from 'vitest';

const queue = process.env.SEGUE_TEST_QUEUE;
const files = readFileSync(join(queue, 'files'), 'utf8').split('\n').filter(Boolean);
const lines = new Map(files.map((file, line) => [resolve(file), line]));

/** Takes a file: of several concurrent workers exactly one can create the directory. @returns whether this one did */
function take(file) {
  try {
    mkdirSync(join(queue, String(lines.get(file))));
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

export default class QueueRunner extends TestRunner {
  importFile(file, source) {
    return source === 'collect' && !take(file) ? undefined : super.importFile(file, source);
  }
}
