/** The programs' object files, and the identification of the builds of pinned programs. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RodataValue } from 'libbpf-ts';
import type { BpfProgramName } from './objects.js';

/** Function in each object file. */
export const FUNCTIONS: Readonly<Record<BpfProgramName, string>> = {
  port_tc: 'segue_port',
  port_xdp: 'segue_port_xdp',
  ndp_responder_tc: 'segue_responder',
  detached_tc: 'segue_detached',
  dhcp4_tc: 'segue_dhcp4',
  dhcp6_tc: 'segue_dhcp6',
  service_tc: 'segue_service',
  service_return_tc: 'segue_svc_back',
  service_gate_tc: 'segue_svc_gate',
  uplink_tc: 'segue_uplink_tc',
  uplink_xdp: 'segue_uplink_xdp',
  nn_uplink_tc: 'segue_steer_tc',
  nn_uplink_xdp: 'segue_steer_xdp',
  nn_external_tc: 'segue_extern_tc',
};
const ALL_NAMES = Object.keys(FUNCTIONS) as BpfProgramName[];
/** Programs that decide between tenants, which also use the maps of bpf/maps/nn_maps.h. */
export const STEERING_PROGRAMS: readonly BpfProgramName[] = ['nn_uplink_tc', 'nn_uplink_xdp', 'nn_external_tc'];
/** Programs of ports and uplinks, including kernel mode's NDP responder. */
export const PROGRAM_NAMES = ALL_NAMES.filter((name) => !STEERING_PROGRAMS.includes(name));

/** The kernel truncates names to 15 characters. */
const NAME_CHARS = 15;

/** Finds segue's program by a program's name in the kernel. */
export function programNamed(kernelName: string): BpfProgramName | undefined {
  return ALL_NAMES.find((name) => FUNCTIONS[name].slice(0, NAME_CHARS) === kernelName);
}

/** Overrides the directory of the object files, for packages that install them elsewhere and for tests. */
const DIRECTORY_VARIABLE = 'SEGUE_BPF_OBJECTS';

/** Path of an object file. src/ebpf and dist/ebpf have the same depth as dist/bin, which contains the bundled command. */
export function objectPath(name: BpfProgramName): string {
  const directory = process.env[DIRECTORY_VARIABLE];
  return directory === undefined
    ? fileURLToPath(new URL(`../../build/bpf/${name}.o`, import.meta.url))
    : join(directory, `${name}.o`);
}

/** The use for which a program is loaded. */
export interface ProgramUse {
  /** Without the kernel's data plane (`dataplane: ebpf`). */
  alone?: boolean;
  /** On a hypervisor whose tenants have gateways. */
  gateways?: boolean;
  /** Accepts encapsulated packets from any outer source (`sourceCheck: false`). */
  anySource?: boolean;
}

/** Programs that check outer sources. */
const UPLINK_PROGRAMS: readonly BpfProgramName[] = ['uplink_tc', 'uplink_xdp', 'nn_uplink_tc', 'nn_uplink_xdp'];

/** Programs that never forward to other nodes: they reply, drop, or redirect to a service of this node. */
const SENDS_NOTHING: readonly BpfProgramName[] = [
  'ndp_responder_tc',
  'detached_tc',
  'dhcp4_tc',
  'dhcp6_tc',
  'service_tc',
  'service_return_tc',
  'service_gate_tc',
];
/** Programs without lookups. */
const LOOKS_UP_NOTHING: readonly BpfProgramName[] = ['detached_tc', 'service_gate_tc'];
/** Programs of all data planes. */
export const COMMON_PROGRAMS: readonly BpfProgramName[] = [
  'detached_tc',
  'dhcp4_tc',
  'dhcp6_tc',
  'service_tc',
  'service_return_tc',
  'service_gate_tc',
];

/** Constants with which a program is loaded. */
export function rodataOf(
  name: BpfProgramName,
  { alone = false, gateways = false, anySource = false }: ProgramUse = {},
): Record<string, RodataValue> {
  return {
    ...{ count_traffic: true, no_kernel_fallback: alone },
    ...(!LOOKS_UP_NOTHING.includes(name) && { use_prefixes: true }),
    ...(!SENDS_NOTHING.includes(name) && { use_gateways: gateways }),
    ...(UPLINK_PROGRAMS.includes(name) && { check_sources: !anySource }),
  };
}

const VERSION_CHARS = 16;
const versions = new Map<string, string>();

/**
 * Identifies the build of a program by a hash over its object file and its constants. The kernel's tag does not cover constants, and is known only
 * of loaded programs.
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
