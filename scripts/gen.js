// Writes the TypeScript codecs of the structs in eBPF objects, from their BTF: one definition of every layout, in C.
//
//   node scripts/gen.js [--check]      --check writes nothing; exit 1 when a file is not what would be written
//
// bpf/abi/codegen.json lists the files: { object (a program of bpf/, without .bpf.c), out, structs?, enums?, maps? }, as GenerateOptions of
// libbpf-ts/generate has them. Keys and values of maps come by themselves.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import * as prettier from 'prettier';
import { BpfObject } from 'libbpf-ts';
import { generate } from 'libbpf-ts/generate';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
let stale = 0;
for (const { object, out, ...options } of JSON.parse(readFileSync(join(root, 'bpf/abi/codegen.json'), 'utf8'))) {
  const path = join(root, out);
  const opened = BpfObject.open(join(root, 'build/bpf', `${object.replace(/^prog\//, '')}.o`));
  const source = `bpf/${object}.bpf.c`;
  const text = generate(opened.btf, { source, codec: 'libbpf-ts/codec', ...options });
  opened.close();
  const config = await prettier.resolveConfig(path);
  const formatted = await prettier.format(text, { ...config, parser: 'typescript' });
  if (existsSync(path) && readFileSync(path, 'utf8') === formatted) continue;
  if (check) {
    process.stderr.write(`gen: ${out} is not what ${source} says: run \`make gen\`\n`);
    stale++;
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, formatted);
    process.stdout.write(`gen: wrote ${out}\n`);
  }
}
if (stale > 0) process.exitCode = 1;
