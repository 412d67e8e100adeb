/**
 * A million packets into each program, most of them malformed (native/fuzz.c): no program crashes, no packet passes
 * against the rules, each is counted once. The seed is printed; SEGUE_SEED=n repeats a run, and the output of
 * native/fuzz.c about a finding repeats one packet.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { randomInt } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { expect, it, onTestFinished } from 'vitest';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import type { Verdict } from '../../../src/ebpf/counters.js';
import { FUNCTIONS, objectPath } from '../../../src/ebpf/programs.js';
import { loadFileOver } from '../../../src/ebpf/load.js';
import type { BpfObject, BpfProgram } from 'libbpf-ts';
import { inNetns } from 'netlink-ts';
import { bpffs, ifindex, ROOT } from '../libbpf/harness.js';
import { buildCloud, corpus, corpusFile } from './cloud.js';
import { compileAltered, MUTANTS, UPLINK_MUTANTS } from './mutants.js';
import type { Bench } from './bench.js';

const RUNS = 1_000_000;
/** of a namespace's lo: where XDP's test runs say frames came in */
const LO_INDEX = 1;
/** The same packets every time, so that a change is judged by what it changes; SEGUE_SEED=random tries others. */
const GIVEN_SEED = process.env.SEGUE_SEED ?? '133801553404118';
const SEED = GIVEN_SEED === 'random' ? String(randomInt(2 ** 47)) : GIVEN_SEED;

interface Fuzzed {
  runs: number;
  /** packets that the program must count */
  mine: number;
  next: number;
  drop: number;
  redirect: number;
  super: number;
  split: number;
}

interface Subject {
  name: string;
  hook: 'tc' | 'xdp';
  side: 'port' | 'uplink';
  program: (bench: Bench) => BpfProgram;
}

/** An object file over the bench's maps, until the test ends. */
function beside(bench: Bench, path: string): BpfObject {
  const object = loadFileOver(path, {}, bench.reuse());
  onTestFinished(() => {
    object.close();
  });
  return object;
}

const SUBJECTS: Subject[] = [
  { name: 'segue_port', hook: 'tc', side: 'port', program: (bench) => bench.program('port_tc') },
  {
    name: 'segue_port_xdp',
    hook: 'xdp',
    side: 'port',
    program: (bench) => beside(bench, objectPath('port_xdp')).program(FUNCTIONS.port_xdp),
  },
  { name: 'segue_uplink_tc', hook: 'tc', side: 'uplink', program: (bench) => bench.program('uplink_tc') },
  { name: 'segue_uplink_xdp', hook: 'xdp', side: 'uplink', program: (bench) => bench.program('uplink_xdp') },
];

function sums(bench: Bench): Record<Verdict, number> {
  const all = { forward: 0, answer: 0, punt: 0, pass: 0, drop: 0 };
  for (const { verdict, packets } of reasonCounts(bench.maps)) all[verdict] += packets;
  return all;
}

interface Prepared {
  bench: Bench;
  /** Runs a program on so many packets; what native/fuzz.c printed. */
  fuzz: (
    subject: Subject,
    program: BpfProgram,
    runs: number,
  ) => { status: number | null; stdout: string; stderr: string };
}

function prepare(): Prepared {
  const { bench, text } = buildCloud([LO_INDEX]);
  const directory = temporary();
  const pins = bpffs();
  const cloud = join(directory, 'cloud');
  writeFileSync(cloud, text);
  const other = ifindex(bench.netns, 'v1');
  return {
    bench,
    fuzz({ hook, side }, program, runs) {
      const frames = join(directory, side);
      const pin = join(pins, String(program.info().id));
      program.pin(pin);
      writeFileSync(frames, corpusFile(corpus(side)));
      const argv = [pin, hook, side, frames, cloud, SEED, runs, bench.ifindex, other].map(String);
      return inNetns(bench.netns, () => spawnSync(join(ROOT, 'build/native/fuzz'), argv, { encoding: 'utf8' }));
    },
  };
}

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'segue-fuzz-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

it.each(SUBJECTS)(`$name follows the rules with ${RUNS} packets, seed ${SEED}`, (subject) => {
  const { name, hook, program } = subject;
  const { bench, fuzz } = prepare();
  const { status, stdout, stderr } = fuzz(subject, program(bench), RUNS);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const fuzzed = JSON.parse(stdout) as Fuzzed;
  const counted = sums(bench);
  process.stdout.write(`${name}: seed ${SEED} ${JSON.stringify(fuzzed)} counted ${JSON.stringify(counted)}\n`);

  expect(fuzzed.runs).toBe(RUNS);
  expect(fuzzed.next + fuzzed.drop + fuzzed.redirect).toBe(RUNS);
  expect({ redirect: counted.forward + counted.answer, drop: counted.drop }).toEqual({
    redirect: fuzzed.redirect,
    drop: fuzzed.drop,
  });
  // Every packet has one reason. What XDP hands on is counted by tcx, which meets it next.
  const handedOn = counted.punt + counted.pass;
  expect(handedOn).toBe(hook === 'tc' ? fuzzed.next : 0);
  // A run of nothing but refusals would prove nothing.
  expect(fuzzed.redirect).toBeGreaterThan(RUNS / 30);
  expect(fuzzed.drop).toBeGreaterThan(RUNS / 20);
  expect(hook === 'tc' ? fuzzed.super : fuzzed.split).toBeGreaterThan(RUNS / 1000);
});

it.each([
  ...MUTANTS.map((mutant) => ({ side: 'port' as const, mutant, name: mutant.name })),
  ...UPLINK_MUTANTS.map((mutant) => ({ side: 'uplink' as const, mutant, name: mutant.name })),
])('detects a faulty program of the $side: $name', ({ side, mutant }) => {
  const { bench, fuzz } = prepare();
  const subject = SUBJECTS.find((one) => one.side === side);
  if (subject === undefined) throw new Error('no subject');
  const directory = temporary();
  const file = `${side}_tc` as const;
  compileAltered(directory, [file], [mutant]);
  const program = beside(bench, join(directory, `${file}.o`)).program(FUNCTIONS[file]);
  const { status, stderr } = fuzz(subject, program, RUNS / 5);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^fuzz: seed \d+ packet \d+: /) as string,
  });
});
