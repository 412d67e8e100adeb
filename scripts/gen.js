// Writes the TypeScript codecs of structs in eBPF objects from their BTF, so that each layout has only one definition, in C.
//
//   node scripts/gen.js [--check]      --check writes nothing; exit 1 when a file is not what would be written
//
// bpf/abi/codegen.json lists the files: { object (a program of bpf/, without .bpf.c), out, structs?, enums?, maps? }, as GenerateOptions of
// libbpf-ts/generate has them. Keys and values of maps come by themselves. { kernelMode, out }: what the maps' definitions say, in all programs of
// bpf/prog; kernelMode are those that kernel mode loads.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import * as prettier from 'prettier';
import { BpfObject } from 'libbpf-ts';
import { generate } from 'libbpf-ts/generate';
import { mapTables } from './map-tables.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
let stale = 0;
const built = (object) => join(root, 'build/bpf', `${object.replace(/^prog\//, '')}.o`);
// Sorted by name, so that error messages do not depend on the file system.
const programs = readdirSync(join(root, 'bpf/prog'))
  .flatMap((file) => (file.endsWith('.bpf.c') ? [`prog/${file.slice(0, -'.bpf.c'.length)}`] : []))
  .sort();
for (const { out, ...entry } of JSON.parse(readFileSync(join(root, 'bpf/abi/codegen.json'), 'utf8'))) {
  const path = join(root, out);
  const source = entry.object === undefined ? 'bpf/maps' : `bpf/${entry.object}.bpf.c`;
  const text =
    entry.object === undefined ? mapTables(programs.map(built), entry.kernelMode.map(built)) : codecs(entry, source);
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

function codecs({ object, ...options }, source) {
  const opened = BpfObject.open(built(object));
  try {
    return generate(opened.btf, { source, codec: 'libbpf-ts/codec', ...options });
  } finally {
    opened.close();
  }
}
if (stale > 0) process.exitCode = 1;
