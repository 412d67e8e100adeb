// Throws nonsense at the built package, from a seed: handles closed and swapped, sizes and numbers out of range, garbage for ELF. Whatever
// happens must be an error that says something; the test that starts this sees a crash by the signal.
//
//   node test/kernel/libbpf/fuzz-child.js SEED ROUNDS OBJECT
import { readFileSync, writeSync } from 'node:fs';
import process from 'node:process';
import { Buffer } from 'node:buffer';
import * as libbpf from 'libbpf-ts';

const [seed, rounds, path] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const { BpfMap, BpfObject, BpfProgram, BpfLink, LibbpfError, RingBuffer, TestRun } = libbpf;

// mulberry32: the same nonsense for the same seed.
let state = seed >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (n) => Math.floor(random() * n);
const one = (list) => list[below(list.length)];
const bytes = () =>
  Buffer.from(Array.from({ length: one([0, 1, 3, 4, 7, 8, 16, 20, 96, 97, 4096]) }, () => below(256)));

const elf = readFileSync(path);
const typesOfMaps = Object.keys(libbpf.MAP_TYPES);
const object = BpfObject.load(path);
const closed = BpfObject.load(path);
const closedMap = closed.map('endpoints');
const closedProgram = closed.program('xdp_count');
closed.close();

const number = () =>
  one([
    0,
    1,
    -1,
    2,
    4,
    8,
    64,
    4096,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    1e300,
    NaN,
    Infinity,
    -0,
    0.5,
    255,
  ]);
const junk = () =>
  one([
    undefined,
    null,
    '',
    'x',
    '\0',
    'endpoints',
    number(),
    -5n,
    2n ** 70n,
    [],
    {},
    () => 1,
    Symbol('s'),
    true,
    bytes(),
    new Uint8Array(below(100)),
    new ArrayBuffer(8),
    new SharedArrayBuffer(16),
  ]);
const map = () => one([closedMap, ...object.mapNames.map((name) => object.map(name))]);
const program = () => one([closedProgram, ...object.programNames.map((name) => object.program(name))]);
const buffer = (size) => one([Buffer.alloc(size), Buffer.alloc(size), bytes(), junk()]);

/** A real object with a few bytes changed, cut off, or noise. */
function garbage() {
  if (below(4) === 0) return bytes();
  const copy = Buffer.from(elf);
  for (let changes = 1 + below(40); changes > 0; changes--) copy[below(copy.length)] = below(256);
  return below(3) === 0 ? copy.subarray(0, below(copy.length)) : copy;
}

const attempts = {
  lookup: () => {
    const m = map();
    m.lookup(buffer(m.keySize), buffer(m.valueSize));
  },
  update: () => {
    const m = map();
    // Descriptors in values of maps of programs are the kernel's to check.
    m.update(buffer(m.keySize), buffer(m.valueSize), one(['any', 'noexist', 'exist', junk()]));
  },
  delete: () => {
    const m = map();
    m.delete(buffer(m.keySize));
  },
  lookupAndDelete: () => {
    const m = map();
    m.lookupAndDelete(buffer(m.keySize), buffer(m.valueSize));
  },
  batches: () => {
    const m = map();
    const count = one([0, 1, 2, 5, 100]);
    m.updateBatch(buffer(count * m.keySize), buffer(count * m.valueSize), one(['any', 'noexist']));
    m.deleteBatch(buffer(count * m.keySize));
  },
  read: () => {
    let seen = 0;
    for (const batch of map().readBatches(
      one([{}, { entries: number() % 1e6 }, { deleting: true }, { entries: junk() }]),
    )) {
      seen += batch.count;
      if (seen > 1e5) break;
    }
  },
  keys: () => [...map().keys()],
  cpuValue: () => {
    const m = map();
    m.cpuValue(buffer(m.valueSize), number());
  },
  create: () => {
    const m = BpfMap.create({
      type: one([...typesOfMaps, junk()]),
      keySize: one([4, 8, number()]),
      valueSize: one([4, 8, number()]),
      // Sizes that work must not eat the machine.
      maxEntries: one([1, 16, 4096, 2 ** 32, -1, NaN]),
      flags: one([0, 0, 1, number()]),
      name: one(['fuzz', 'a name that is longer than sixteen', '\0', 'ä']),
    });
    m.close();
  },
  descriptor: () => {
    const Class = one([BpfMap, BpfProgram, BpfLink]);
    // 0..2 are pipes, and what is beyond does not exist: none is one of ours to take over.
    new Class(one([0, 1, 2, -1, 9999, 2 ** 31, 2 ** 32 + 1, NaN, 1.5, junk()]), one([undefined, 'x']));
  },
  ids: () =>
    one([BpfMap, BpfProgram, BpfLink])
      .openById(one([0, 2 ** 31, number(), junk()]))
      .close(),
  pins: () =>
    one([BpfMap, BpfProgram, BpfLink]).openPinned(
      one(['', '/', '/nonexistent', '/proc/self/fd/0', '\0', 'x'.repeat(5000)]),
    ),
  pin: () => one([map, program])().pin(one(['', '/', '/tmp/x', 'relative', '/proc/x/y', 'x'.repeat(5000)])),
  testRun: () =>
    program().testRun({
      data: one([buffer(64), undefined]),
      dataOut: one([undefined, bytes()]),
      context: one([undefined, undefined, buffer(24)]),
      contextOut: one([undefined, bytes()]),
      repeat: one([0, 1, 10, -1, NaN, 2 ** 40]),
      flags: one([0, 0, 1, number()]),
      cpu: one([undefined, number()]),
      batchSize: one([undefined, number()]),
    }),
  prepared: () => {
    const run = new TestRun(program(), { data: Buffer.alloc(64) });
    run.run();
    run.run();
  },
  open: () => {
    const opened = BpfObject.open(garbage(), { name: one(['fuzz', '', 'x'.repeat(300)]) });
    try {
      void opened.btf;
      opened.setRodata({ [one(['verdict', 'only', 'nothing'])]: junk() });
    } finally {
      opened.close();
    }
  },
  loadGarbage: () => BpfObject.load(garbage(), { name: 'fuzz' }).close(),
  path: () => BpfObject.open(one(['', '/', '/dev/null', '/proc/self/mem', '\0', 'x'.repeat(5000), junk()])),
  configure: () => {
    const opened = BpfObject.open(elf, { name: 'fuzz' });
    try {
      const map = one([...opened.mapNames, 'x']);
      const key = one(['maxEntries', 'valueSize', 'flags', 'type', 'reuse', 'inner', 'pin', 'create']);
      const value = one([number(), junk(), object.map(one(object.mapNames))]);
      if (process.env.FUZZ_TRACE) writeSync(2, `${map} ${key} ${String(value?.label ?? typeof value)}\n`);
      opened.configureMap(map, { [key]: value });
      opened.configureProgram(one([...opened.programNames, 'x']), {
        [one(['load', 'type', 'attachType'])]: one([number(), junk()]),
      });
    } finally {
      opened.close();
    }
  },
  use: () =>
    one([
      () => object.map(junk()),
      () => object.program(junk()),
      () => object.sectionOf(junk()),
      () => object.load(),
    ])(),
  ring: () => {
    const ring = new RingBuffer(map(), () => undefined);
    try {
      ring.consume(one([undefined, number()]));
    } finally {
      ring.close();
    }
    ring.consume();
  },
  attach: () => {
    const options = {
      interface: one(['nope', number(), junk()]),
      netns: one(['absent-netns', undefined]),
      mode: one(['auto', 'skb', junk()]),
    };
    one([libbpf.attachXdp, libbpf.attachTcx])(program(), {
      ...options,
      direction: 'ingress',
      position: one([undefined, 'first', 'last', junk()]),
    }).close();
  },
  btf: () => new libbpf.Btf(one([bytes(), Buffer.concat([Buffer.from('9feb0100', 'hex'), bytes()])])),
};

const counts = { fine: 0 };
for (let round = 0; round < rounds; round++) {
  const name = one(Object.keys(attempts));
  // To find what crashed: the last line.
  if (process.env.FUZZ_TRACE) writeSync(2, `round ${round} ${name}\n`);
  try {
    attempts[name]();
    counts.fine++;
  } catch (error) {
    // TypeError and RangeError: JavaScript's own words for a value of the wrong type; anything else would be ours to explain.
    const known =
      error instanceof LibbpfError ||
      error instanceof TypeError ||
      error instanceof RangeError ||
      typeof error?.code === 'string';
    if (!known || !error.message || error.message.includes('\n')) {
      process.stderr.write(`seed ${seed} round ${round} ${name}: ${error?.stack ?? String(error)}\n`);
      process.exit(3);
    }
    const kind = error.code ?? error.name;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
}
// The object still does what it did.
const verdict = object.program('xdp_count').testRun({ data: Buffer.alloc(64) }).verdict;
object.close();
process.stdout.write(`${JSON.stringify({ verdict, counts })}\n`);
