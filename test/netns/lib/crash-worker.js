// A process that applies an intent when told to, and is killed while it does. What it needs is loaded before it says so:
// the moment of the kill then falls into the apply, not into the start of Node.
//
//   node crash-worker.js FILE    FILE: JSON of { config, intents: { A: …, B: … } }, the intents scoped to the node
//   stdin   A                    apply intent A
//   stdout  ready, executing (the first change is about to be made), done
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { applyOnce } from '../../../dist/agent/apply.js';
import { Instance } from '../../../dist/agent/instance.js';

const { config, intents } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const instance = new Instance(config);
const execute = instance.engine.execute.bind(instance.engine);
instance.engine.execute = (changes) => {
  process.stdout.write('executing\n');
  return execute(changes);
};
instance.plan(intents.A);

createInterface({ input: process.stdin }).on('line', async (name) => {
  const { failures } = await applyOnce(instance, intents[name]);
  for (const { object, error } of failures) process.stderr.write(`${object}: ${error.message}\n`);
  process.stdout.write('done\n');
});
process.stdout.write('ready\n');
