/** The examples of src/libbpf/README.md: they compile against the built package, run, and print what they say. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { inNetns } from '../../../src/netlink/netns.js';
import { namespace, ROOT, run } from './harness.js';

const readme = readFileSync(join(ROOT, 'src/libbpf/README.md'), 'utf8');
const examples = [...readme.matchAll(/^## (.+)\n[^]*?```ts\n([^]*?)```/gm)].map(([, title = '', code = '']) => ({
  title,
  code,
  prints: [...code.matchAll(/^\s*\/\/ → (.*)$/gm)].map(([, line]) => line),
}));
// Below the package, so that its own name resolves; two levels down, as the example that imports a generated file.
const directory = join(ROOT, 'build/readme');

describe('README', () => {
  beforeAll(() => {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const [index, { code }] of examples.entries()) writeFileSync(join(directory, `example-${index}.ts`), code);
    const options = { noEmit: false, rootDir: '../..', outDir: 'out' };
    const include = ['*.ts'];
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: options, include }),
    );
    run(undefined, join(ROOT, 'node_modules/.bin/tsc'), '-p', directory);
  }, 300_000);

  test('has an example of everything', () => {
    expect(examples.map(({ title }) => title)).toEqual([
      'Objects, constants, test runs',
      'Errors',
      'Maps',
      'Layouts: defined in C, generated here',
      'Ring buffers',
      'Attachments',
      'Probes',
    ]);
  });

  test.each(examples.map((example, index) => ({ ...example, index })))('$title', ({ index, prints }) => {
    const file = join(directory, `out/build/readme/example-${index}.js`);
    const { stdout, stderr, status } = inNetns(namespace(), () =>
      spawnSync('node', [file], { cwd: ROOT, encoding: 'utf8' }),
    );
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout.trimEnd().split('\n')).toEqual(prints);
    expect(prints.length).toBeGreaterThan(0);
  });
});
