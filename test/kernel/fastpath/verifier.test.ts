/**
 * Every program of bpf/ loads on this kernel, as Debian's clang and a newer one compile it, and docs/programs.md has
 * approximately the verifier's numbers. Tested on two kernels: here and in the VM. The numbers are written to
 * .cache/vm/results/programs for `make programs`.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { release, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BpfObject, type RodataValue } from 'libbpf-ts';
import { rodataOf } from '../../../src/ebpf/programs.js';
import { ROOT } from '../libbpf/harness.js';
import { compileAltered } from './mutants.js';
import type { BpfProgramName } from '../../../src/ebpf/objects.js';
import type { ProgramUse } from '../../../src/ebpf/programs.js';

/** What compiled each folder of objects; the Makefile's. */
const COMPILERS = [
  { compiler: 'clang', directory: 'build/bpf' },
  { compiler: 'clang-16', directory: 'build/bpf-newer' },
] as const;
const LOG_BYTES = 1 << 16;
/** The verifier's limits: MAX_BPF_STACK; BPF_COMPLEXITY_LIMIT_INSNS, half of it. */
const STACK_BYTES_MAX = 512;
const VERIFIED_MAX = 500_000;
/** How far a figure may be from the documented one: kernels and compilers of one version differ a little. */
const TOLERANCE = 0.3;

/** Uses that have the programs do more than they do as they are compiled. */
const USES: readonly ProgramUse[] = [{ gateways: true }, { alone: true, gateways: true }];

interface Row {
  program: string;
  clang: string;
  kernel: string;
  /** instructions after the verifier's rewriting */
  instructions: number;
  /** instructions that the verifier walked through */
  verified: number;
  /** bytes of stack, of each function; those of a chain of calls may be 512 together */
  stack: string;
}

const kernel = release().split('.').slice(0, 2).join('.');

function majorVersion(compiler: string): string {
  const { stdout, error } = spawnSync(compiler, ['-dumpversion'], { encoding: 'utf8' });
  if (error) throw new Error(`${compiler}: ${error.message}; scripts/setup installs it`);
  return stdout.split('.')[0] ?? '';
}

/** Loads each program of an object alone, so that the statistics are its own. */
function measure(file: string, clang: string, rodata: Record<string, RodataValue> = {}): Row[] {
  const opened = BpfObject.open(file);
  const names = opened.programNames;
  opened.close();
  return names.map((program) => {
    const statistics = Buffer.alloc(LOG_BYTES);
    const others = names.filter((name) => name !== program).map((name) => [name, { load: false }] as const);
    const object = BpfObject.load(file, { statistics, programs: Object.fromEntries(others), rodata });
    try {
      const info = object.program(program).info();
      const log = statistics.toString('utf8', 0, statistics.indexOf(0));
      const stack = /^stack depth (\S+)/m.exec(log)?.[1] ?? '';
      return { program, clang, kernel, instructions: info.xlatedBytes / 8, verified: info.verifiedInstructions, stack };
    } finally {
      object.close();
    }
  });
}

/** The table of docs/programs.md. */
function documented(): Row[] {
  const lines = readFileSync(join(ROOT, 'docs/programs.md'), 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, program, clang, of, instructions, verified, stack] = line.split('|').map((cell) => cell.trim());
    if (program === undefined || !program.startsWith('`') || of === undefined) return [];
    const name = program.replaceAll('`', '');
    const figures = { instructions: Number(instructions), verified: Number(verified), stack: stack ?? '' };
    return [{ program: name, clang: clang ?? '', kernel: of, ...figures }];
  });
}

describe.each(COMPILERS)('programs compiled by $compiler', ({ compiler, directory }) => {
  const files = readdirSync(join(ROOT, directory)).filter((name) => name.endsWith('.o'));
  const clang = majorVersion(compiler);
  const rows: Row[] = [];

  it('are all of bpf/prog/', () => {
    const sources = readdirSync(join(ROOT, 'bpf/prog')).filter((name) => name.endsWith('.bpf.c'));
    expect(files.sort()).toEqual(sources.map((name) => `${basename(name, '.bpf.c')}.o`).sort());
  });

  it.each(files)('%s loads within a margin of the limits', (file) => {
    for (const row of measure(join(ROOT, directory, file), clang)) {
      rows.push(row);
      expect(row.stack, row.program).toMatch(/^\d+(\+\d+)*$/);
      for (const bytes of row.stack.split('+')) expect(Number(bytes), row.program).toBeLessThanOrEqual(STACK_BYTES_MAX);
      expect(row.verified, `${row.program}: verified`).toBeLessThan(VERIFIED_MAX);
    }
  });

  // What a constant turns off, the verifier does not walk through.
  it.each(USES.flatMap((use) => files.map((file) => [file, JSON.stringify(use), use] as const)))(
    '%s loads with the constants %s',
    (file, _text, use) => {
      const rodata = rodataOf(basename(file, '.o') as BpfProgramName, use);
      for (const row of measure(join(ROOT, directory, file), clang, rodata)) {
        expect(row.verified, `${row.program}: verified`).toBeLessThan(VERIFIED_MAX);
      }
    },
  );

  it('match docs/programs.md approximately (else: make programs)', () => {
    const results = join(ROOT, '.cache/vm/results/programs');
    mkdirSync(results, { recursive: true });
    writeFileSync(join(results, `${kernel}-clang-${clang}.json`), JSON.stringify(rows));
    const known = documented().filter((row) => row.kernel === kernel && row.clang === clang);
    expect(known.map(({ program }) => program).sort()).toEqual(rows.map(({ program }) => program).sort());
    for (const row of rows) {
      const old = known.find(({ program }) => program === row.program);
      for (const figure of ['instructions', 'verified'] as const) {
        const change = Math.abs(row[figure] / (old?.[figure] ?? 0) - 1);
        expect(change, `${row.program}: ${figure} ${row[figure]}, documented ${old?.[figure]}`).toBeLessThan(TOLERANCE);
      }
    }
  });
});

describe('a map that programs only read', () => {
  it('is protected against writes by the verifier', () => {
    const directory = mkdtempSync(join(tmpdir(), 'segue-read-only-'));
    try {
      const writable = {
        file: 'maps/icmp_rate_maps.h',
        from: 'HASH_RW(fastpath, sg_port_icmp',
        to: 'HASH(fastpath, sg_port_icmp',
      };
      compileAltered(directory, ['port_tc'], [writable]);
      expect(() => BpfObject.load(join(directory, 'port_tc.o'))).toThrow(/write into map forbidden/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
