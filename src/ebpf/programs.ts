/** The programs' object files, and which of them is what a pinned program was made of. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RodataValue } from '../libbpf/index.js';
import type { BpfProgramName } from './objects.js';

/** Function of each object file. */
export const FUNCTIONS: Readonly<Record<BpfProgramName, string>> = {
  port: 'segue_port',
  uplink_tc: 'segue_uplink_tc',
  uplink_xdp: 'segue_uplink_xdp',
};
export const PROGRAM_NAMES = Object.keys(FUNCTIONS) as BpfProgramName[];

/** The kernel keeps 15 characters of a name. */
const NAME_CHARS = 15;

/** Of a program that the kernel has: which of ours it is, by its name. */
export function programNamed(kernelName: string): BpfProgramName | undefined {
  return PROGRAM_NAMES.find((name) => FUNCTIONS[name].slice(0, NAME_CHARS) === kernelName);
}

/** Path of an object file: src/ebpf and dist/ebpf are as deep as dist/bin, where the command is bundled. */
export function objectPath(name: BpfProgramName): string {
  return fileURLToPath(new URL(`../../build/bpf/${name}.o`, import.meta.url));
}

/** Constants the programs are loaded with. */
export const RODATA: Readonly<Record<BpfProgramName, Record<string, RodataValue>>> = {
  port: { use_prefixes: true, count_traffic: true },
  uplink_tc: { use_prefixes: true, count_traffic: true },
  uplink_xdp: { use_prefixes: true, count_traffic: true },
};

const VERSION_CHARS = 16;
const versions = new Map<BpfProgramName, string>();

/**
 * What tells a build of a program from another: a hash over the object file and its constants. The kernel's tag does not
 * cover constants, and would have to be asked of a loaded program.
 */
export function programVersion(name: BpfProgramName): string {
  let version = versions.get(name);
  if (version === undefined) {
    const hash = createHash('sha256').update(readFileSync(objectPath(name)));
    version = hash.update(JSON.stringify(RODATA[name])).digest('hex').slice(0, VERSION_CHARS);
    versions.set(name, version);
  }
  return version;
}
