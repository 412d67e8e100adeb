/** The programs' object files, and which of them is what a pinned program was made of. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RodataValue } from 'libbpf-ts';
import type { BpfProgramName } from './objects.js';

/** Function of each object file. */
export const FUNCTIONS: Readonly<Record<BpfProgramName, string>> = {
  port_tc: 'segue_port',
  port_xdp: 'segue_port_xdp',
  ndp_responder_tc: 'segue_responder',
  detached_tc: 'segue_detached',
  dhcp4_tc: 'segue_dhcp4',
  dhcp6_tc: 'segue_dhcp6',
  uplink_tc: 'segue_uplink_tc',
  uplink_xdp: 'segue_uplink_xdp',
  nn_uplink_tc: 'segue_steer_tc',
  nn_uplink_xdp: 'segue_steer_xdp',
  nn_external_tc: 'segue_extern_tc',
};
const ALL_NAMES = Object.keys(FUNCTIONS) as BpfProgramName[];
/** Programs that decide between tenants: they use the maps of bpf/maps/nn_maps.h, too. */
export const STEERING_PROGRAMS: readonly BpfProgramName[] = ['nn_uplink_tc', 'nn_uplink_xdp', 'nn_external_tc'];
/** Programs of ports and uplinks, the responder of kernel mode among them. */
export const PROGRAM_NAMES = ALL_NAMES.filter((name) => !STEERING_PROGRAMS.includes(name));

/** The kernel keeps 15 characters of a name. */
const NAME_CHARS = 15;

/** Of a program that the kernel has: which of ours it is, by its name. */
export function programNamed(kernelName: string): BpfProgramName | undefined {
  return ALL_NAMES.find((name) => FUNCTIONS[name].slice(0, NAME_CHARS) === kernelName);
}

/** Where the object files are, in the place of this build's own: for packages that keep them elsewhere, and tests. */
const DIRECTORY_VARIABLE = 'SEGUE_BPF_OBJECTS';

/** Path of an object file: src/ebpf and dist/ebpf are as deep as dist/bin, where the command is bundled. */
export function objectPath(name: BpfProgramName): string {
  const directory = process.env[DIRECTORY_VARIABLE];
  return directory === undefined
    ? fileURLToPath(new URL(`../../build/bpf/${name}.o`, import.meta.url))
    : join(directory, `${name}.o`);
}

/** What a program is loaded for. */
export interface ProgramUse {
  /** Without the kernel beneath (`dataplane: ebpf`). */
  alone?: boolean;
  /** On a hypervisor whose tenants have gateways. */
  gateways?: boolean;
  /** Encapsulated packets are taken from whatever outer source (`sourceCheck: false`). */
  anySource?: boolean;
}

/** Programs that check outer sources. */
const UPLINK_PROGRAMS: readonly BpfProgramName[] = ['uplink_tc', 'uplink_xdp', 'nn_uplink_tc', 'nn_uplink_xdp'];

/** Programs that forward nothing: they answer or drop. */
const SENDS_NOTHING: readonly BpfProgramName[] = ['ndp_responder_tc', 'detached_tc', 'dhcp4_tc', 'dhcp6_tc'];
/** Programs of any data plane. */
export const COMMON_PROGRAMS: readonly BpfProgramName[] = ['detached_tc', 'dhcp4_tc', 'dhcp6_tc'];

/** Constants a program is loaded with. */
export function rodataOf(
  name: BpfProgramName,
  { alone = false, gateways = false, anySource = false }: ProgramUse = {},
): Record<string, RodataValue> {
  return {
    ...{ count_traffic: true, no_kernel_fallback: alone },
    ...(name !== 'detached_tc' && { use_prefixes: true }),
    ...(!SENDS_NOTHING.includes(name) && { use_gateways: gateways }),
    ...(UPLINK_PROGRAMS.includes(name) && { check_sources: !anySource }),
  };
}

const VERSION_CHARS = 16;
const versions = new Map<string, string>();

/**
 * What tells a build of a program from another: a hash over the object file and its constants. The kernel's tag does not
 * cover constants, and would have to be asked of a loaded program.
 */
export function programVersion(name: BpfProgramName, use: ProgramUse): string {
  const path = objectPath(name);
  const constants = JSON.stringify(rodataOf(name, use));
  const known = `${path} ${constants}`;
  let version = versions.get(known);
  if (version === undefined) {
    const hash = createHash('sha256').update(readFileSync(path));
    version = hash.update(constants).digest('hex').slice(0, VERSION_CHARS);
    versions.set(known, version);
  }
  return version;
}
