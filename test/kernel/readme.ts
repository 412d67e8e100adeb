/** Examples of a library's README: they compile against the built package, run, and print what they say behind the arrows. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inNetns } from 'netlink-ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Example {
  /** of its section */
  title: string;
  index: number;
  code: string;
  prints: string[];
}

export class ReadmeExamples {
  readonly examples: Example[];
  readonly #directory: string;

  /** @param library folder below src/ */
  constructor(library: string) {
    const readme = readFileSync(join(ROOT, 'src', library, 'README.md'), 'utf8');
    const found = [...readme.matchAll(/^## (.+)\n[^]*?```ts\n([^]*?)```/gm)];
    this.examples = found.map(([, title = '', code = ''], index) => ({
      title,
      index,
      code,
      prints: [...code.matchAll(/^\s*\/\/ → (.*)$/gm)].map(([, line = '']) => line),
    }));
    // Below the workspace, whose node_modules has the package; two levels down, as the example that imports a generated file.
    this.#directory = join(ROOT, `build/readme-${library}`);
  }

  compile(): void {
    rmSync(this.#directory, { recursive: true, force: true });
    mkdirSync(this.#directory, { recursive: true });
    for (const { code, index } of this.examples) writeFileSync(join(this.#directory, `example-${index}.ts`), code);
    const options = { noEmit: false, customConditions: [], rootDir: '../..', outDir: 'out' };
    writeFileSync(
      join(this.#directory, 'tsconfig.json'),
      JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: options, include: ['*.ts'] }),
    );
    const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', this.#directory], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stdout);
  }

  /** Runs one in a namespace. @returns its lines, what it said on standard error first */
  run(netns: string, { index }: Example): string[] {
    const name = this.#directory.slice(ROOT.length).replace(/^\//, '');
    const file = join(this.#directory, 'out', name, `example-${index}.js`);
    const { stdout, stderr, status } = inNetns(netns, () => spawnSync('node', [file], { cwd: ROOT, encoding: 'utf8' }));
    if (status !== 0) throw new Error(`example ${index} ended with ${status}: ${stderr}`);
    return [...stderr.split('\n').filter((line) => line !== ''), ...stdout.trimEnd().split('\n')];
  }
}
