/** `libbpf-ts gen OBJECT.o`: a typed skeleton of a compiled object, on standard output. */
import { basename } from 'node:path';
import { LibbpfError } from './errors.js';
import { generate } from './generate.js';
import { BpfObject } from './object.js';
import { variablesOf } from './variables.js';

const USAGE = `usage: libbpf-ts gen OBJECT.o [--import PATH] [--struct NAME]… [--enum NAME]… > object.ts

Writes TypeScript: a codec for each struct that a map's definition or a variable names (and for those named here, such as the
records of ring buffers), the names of maps, programs and variables for the compiler to check, and load().

  --import PATH   what the file imports the library by; default libbpf-ts
  --struct NAME   a struct besides: one that the object's type information has
  --enum NAME     an enum besides
`;

/** Two spaces a bracket that is open: generate() writes lines as they come. */
function indented(text: string): string {
  let depth = 0;
  return text
    .split('\n')
    .map((line) => {
      if (/^[}\])]/.test(line)) depth--;
      const at = '  '.repeat(depth);
      if (/[{[(]$/.test(line)) depth++;
      return line === '' ? '' : at + line;
    })
    .join('\n');
}

interface Request {
  object: string;
  codec: string;
  structs: string[];
  enums: string[];
}

function parse(argv: readonly string[]): Request | undefined {
  const [command, object, ...rest] = argv;
  if (command !== 'gen' || object === undefined || object.startsWith('-')) return undefined;
  const request: Request = { object, codec: 'libbpf-ts', structs: [], enums: [] };
  for (let at = 0; at < rest.length; at += 2) {
    const value = rest[at + 1];
    if (value === undefined) return undefined;
    if (rest[at] === '--import') request.codec = value;
    else if (rest[at] === '--struct') request.structs.push(value);
    else if (rest[at] === '--enum') request.enums.push(value);
    else return undefined;
  }
  return request;
}

/** @returns exit code: 0 written, 1 no such object or type, 2 usage */
export function main(argv: readonly string[]): number {
  const request = parse(argv);
  if (request === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    const { object: path, ...options } = request;
    const object = BpfObject.open(path);
    try {
      const skeleton = { programs: object.programNames, variables: variablesOf(object.btf) };
      const text = generate(object.btf, { source: basename(path), skeleton, ...options });
      process.stdout.write(`${indented(text)}\n`);
    } finally {
      object.close();
    }
    return 0;
  } catch (error) {
    if (!(error instanceof LibbpfError)) throw error;
    process.stderr.write(`libbpf-ts: ${error.message}\n`);
    return 1;
  }
}
