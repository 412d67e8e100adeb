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

/** Where the examples find their library. */
interface Place {
  /** The folder whose node_modules has it: the programs are compiled below, and run there. */
  root: string;
  /** of the compiled programs, below the root: two levels down, as the example that imports a generated file. */
  directory: string;
}

export class ReadmeExamples {
  readonly examples: Example[];
  readonly #place: Place;

  /** @param library folder below src/ */
  constructor(library: string, place: Place = { root: ROOT, directory: `build/readme-${library}` }) {
    const readme = readFileSync(join(ROOT, 'src', library, 'README.md'), 'utf8');
    const found = [...readme.matchAll(/^## (.+)\n[^]*?```ts\n([^]*?)```/gm)];
    this.examples = found.map(([, title = '', code = ''], index) => ({
      title,
      index,
      code,
      prints: [...code.matchAll(/^\s*\/\/ → (.*)$/gm)].map(([, line = '']) => line),
    }));
    this.#place = place;
  }

  compile(examples = this.examples): void {
    const directory = join(this.#place.root, this.#place.directory);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const { code, index } of examples) writeFileSync(join(directory, `example-${index}.ts`), code);
    const options = {
      ...{ noEmit: false, customConditions: [], rootDir: this.#place.root, outDir: 'out' },
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions: options, include: ['*.ts'] }),
    );
    const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', directory], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stdout);
  }

  /** Runs one in a namespace. @returns its lines, what it said on standard error first */
  run(netns: string, { index }: Example): string[] {
    const { root, directory } = this.#place;
    const file = join(root, directory, 'out', directory, `example-${index}.js`);
    const { stdout, stderr, status } = inNetns(netns, () => spawnSync('node', [file], { cwd: root, encoding: 'utf8' }));
    if (status !== 0) throw new Error(`example ${index} ended with ${status}: ${stderr}`);
    return [...stderr.split('\n').filter((line) => line !== ''), ...stdout.trimEnd().split('\n')];
  }
}
