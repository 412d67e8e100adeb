// A process that applies an intent when told to, and is killed while it does. What it needs is loaded before it says so:
// the moment of the kill then falls into the apply, not into the start of Node.
//
//   node crash-worker.js FILE    FILE: JSON of { config, intents: { A: …, B: … } }, the intents scoped to the node
//   stdin   A 17                 apply intent A, and die by SIGKILL once 17 things were done to the kernel; 0: never
//   stdout  ready, executing (the first change is about to be made), done 41 (that many things were done)
//
// One thing is a netlink request, a sysctl written, an nft transaction begun, or one ended, an entry of a map, a pin. The death in the middle of a
// batch leaves more states behind than the kernel can (it carries a batch out whole), never fewer.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { applyOnce } from '../../../dist/agent/apply.js';
import { Instance } from '../../../dist/agent/instance.js';
import { BpfLink, BpfMap, BpfProgram } from 'libbpf-ts';

const { config, intents } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const instance = new Instance(config);
const { kernel, engine } = instance;

let executing = false;
let done = 0;
let limit = Infinity;
const room = () => limit - done;
/** Does not return when it was the last. */
const count = (things) => {
  if (!executing) return;
  done += things;
  if (done >= limit) process.kill(process.pid, 'SIGKILL');
};

/** A function that takes a list does the part of it that there is room for, counted. */
const counted = (take) => (list) => {
  const all = [...list];
  const part = executing && room() < all.length ? all.slice(0, room()) : all;
  const result = take(part);
  count(part.length);
  return result;
};
for (const socket of [kernel.socket, kernel.generic]) socket.execute = counted(socket.execute.bind(socket));
kernel.sysctls.writeAll = counted(kernel.sysctls.writeAll.bind(kernel.sysctls));
const nft = kernel.nft.bind(kernel);
kernel.nft = async (args, script) => {
  const running = nft(args, script);
  if (script === undefined) return running;
  count(1);
  const output = await running;
  count(1);
  return output;
};
/** A method does its one thing, counted. */
const countCalls = (prototype, name) => {
  const method = prototype[name];
  prototype[name] = function (...args) {
    const result = method.apply(this, args);
    count(1);
    return result;
  };
};
for (const name of ['update', 'delete', 'pin']) countCalls(BpfMap.prototype, name);
for (const prototype of [BpfProgram.prototype, BpfLink.prototype]) countCalls(prototype, 'pin');
/** A method that takes entries as buffers, keys first, does the part of them that there is room for, counted. */
const countEntries = (name) => {
  const method = BpfMap.prototype[name];
  BpfMap.prototype[name] = function (keys, ...values) {
    const all = keys.length / this.keySize;
    const part = executing ? Math.min(all, room()) : all;
    const cut = [keys, ...values].map((buffer) => buffer.subarray(0, (buffer.length / all) * part));
    const result = all === 0 ? method.call(this, keys, ...values) : method.apply(this, cut);
    count(part);
    return result;
  };
};
for (const name of ['updateBatch', 'deleteBatch']) countEntries(name);
const applyChanges = engine.applyChanges.bind(engine);
engine.applyChanges = async (changes) => {
  process.stdout.write('executing\n');
  executing = true;
  try {
    return await applyChanges(changes);
  } finally {
    executing = false;
  }
};
instance.plan(intents.A);

createInterface({ input: process.stdin }).on('line', async (line) => {
  const [name, things] = line.split(' ');
  limit = Number(things) || Infinity;
  const { failures } = await applyOnce(instance, intents[name]);
  for (const { object, error } of failures) process.stderr.write(`${object}: ${error.message}\n`);
  process.stdout.write(`done ${done}\n`);
  // There was less to do than thought.
  if (limit !== Infinity) process.exit(0);
});
process.stdout.write('ready\n');
