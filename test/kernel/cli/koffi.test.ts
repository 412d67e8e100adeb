/** koffi is damaged or missing: every command fails with one line that says so. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COMMANDS = [
  ...['apply', 'diff', 'purge', 'agent', 'doctor', 'monitor', 'capture', 'report'].map((name) => [name]),
  ['show', 'port'],
  ['trace', '-p', 'p0', '--to', '10.0.0.2'],
  ['edge', 'load'],
  ['lab', 'up'],
];
const SOME = [['agent'], ['show', 'port']];

describe('commands report that koffi', () => {
  const tree = mkdtempSync(join(tmpdir(), 'segue-koffi-'));
  const modules = join(tree, 'node_modules');
  const platform = `@koromix/koffi-linux-${process.arch}`;
  const native = join(modules, platform, `linux_${process.arch}`, 'koffi.node');
  const segue = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [join(tree, 'bin/segue'), ...args], { encoding: 'utf8', timeout: 120_000 });

  beforeAll(() => {
    mkdirSync(join(tree, 'build'));
    symlinkSync(join(ROOT, 'build/bpf'), join(tree, 'build/bpf'));
    for (const part of ['bin', 'dist/bin', 'dist/lab', 'package.json'])
      cpSync(join(ROOT, part), join(tree, part), { recursive: true });
    const intent = { version: 1, sidBlock: 'fd00:5e::/32', nodes: [], tenants: [], ports: [] };
    writeFileSync(join(tree, 'intent.json'), JSON.stringify(intent));
    writeFileSync(join(tree, 'node.yaml'), '{ node: hv1, uplinks: [up0], dataplane: ebpf, intent: intent.json }');
  });
  beforeEach(() => {
    rmSync(modules, { recursive: true, force: true });
    for (const part of ['koffi', platform])
      cpSync(join(ROOT, 'node_modules', part), join(modules, part), { recursive: true, dereference: true });
  });
  afterAll(() => {
    rmSync(tree, { recursive: true, force: true });
  });

  const refused = (why: RegExp, commands: readonly (readonly string[])[]): void => {
    for (const words of commands) {
      const config = ['edge', 'lab'].includes(words[0] ?? '') ? [] : ['-c', join(tree, 'node.yaml')];
      const { status, stdout, stderr } = segue(...words, ...config);
      expect({ words, status, stdout }).toEqual({ words, status: 1, stdout: '' });
      expect(stderr, words.join(' ')).toMatch(/^segue: .*: expected the koffi that segue was installed with .*\n$/);
      expect(stderr).toMatch(why);
    }
    expect(segue('--version').status).toBe(0);
  };

  it('is missing', () => {
    rmSync(join(modules, 'koffi'), { recursive: true });
    refused(/koffi cannot be loaded: Cannot find package 'koffi'/, COMMANDS);
  });

  it('has a truncated library, which would crash the process', () => {
    truncateSync(native, 20_000);
    refused(/koffi\.node is truncated/, SOME);
  });

  it.each<[string, RegExp, () => void]>([
    [
      'lacks its native package',
      /Cannot find the native Koffi module/,
      () => rmSync(join(modules, platform), { recursive: true }),
    ],
    ['lacks its library', /Cannot find module/, () => rmSync(native)],
    ['has an empty library', /file too short/, () => truncateSync(native, 0)],
    ['has a library that is not an ELF file', /invalid ELF header/, () => writeFileSync(native, 'x'.repeat(100_000))],
    [
      "has another machine's library",
      /cannot be loaded: /,
      () => {
        const bytes = readFileSync(native);
        // e_machine (elf(5)): that of RISC-V.
        bytes.writeUInt16LE(243, 0x12);
        writeFileSync(native, bytes);
      },
    ],
  ])('%s', (_how, why, spoil) => {
    spoil();
    refused(why, SOME);
  });
});
