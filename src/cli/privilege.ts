/** Capabilities (capabilities(7)) that commands need to read or change the kernel, checked before anything is tried. */
import { readFileSync } from 'node:fs';
import { CommandError } from './exit.js';
import type { NodeConfig } from '../intent/types.js';

/** Numbers of linux/capability.h, with the use of each. */
const CAPABILITIES = {
  CAP_DAC_OVERRIDE: { bit: 1n, purpose: "root's files and pins" },
  CAP_NET_ADMIN: { bit: 12n, purpose: 'interfaces, routes, nftables' },
  CAP_SYS_ADMIN: { bit: 21n, purpose: 'network namespaces' },
  CAP_PERFMON: { bit: 38n, purpose: 'what programs do with pointers' },
  CAP_BPF: { bit: 39n, purpose: 'maps and programs of the fast path' },
} as const;

export type Capability = keyof typeof CAPABILITIES;

const FAST_PATH: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON'];

/** Effective capabilities of the calling thread; all if the kernel does not report them. */
function effective(): bigint {
  try {
    const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1];
    return digits === undefined ? -1n : BigInt(`0x${digits}`);
  } catch {
    return -1n;
  }
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/**
 * Refuses a command that would fail half-way, naming the missing capabilities.
 *
 * @param needed in addition to root's file permissions
 * @param also capabilities that are named only together with these
 * @throws CommandError
 */
export function requireCapabilities(needed: readonly Capability[], also: readonly Capability[] = []): void {
  const mask = effective();
  const has = (name: Capability): boolean => ((mask >> CAPABILITIES[name].bit) & 1n) === 1n;
  // CAP_SYS_ADMIN includes capabilities that were split from it.
  const lacks = (name: Capability): boolean => !has(name) && !(FAST_PATH.includes(name) && has('CAP_SYS_ADMIN'));
  const owned = isRoot() ? needed : [...needed, 'CAP_DAC_OVERRIDE' as const];
  if (!owned.some(lacks)) return;
  const named = [...owned, ...also].filter(lacks).map((name) => `${name} (${CAPABILITIES[name].purpose})`);
  throw new CommandError(`run as root: this process lacks ${named.join(', ')}`);
}

/** Called before files are read, so that root's files are not disclosed. @throws CommandError */
export function requireRoot(): void {
  requireCapabilities(['CAP_NET_ADMIN'], FAST_PATH);
}

/** Requires the capabilities for a node file. @throws CommandError */
export function requireRightsFor({ dataplane, netns }: NodeConfig): void {
  requireCapabilities([
    'CAP_NET_ADMIN',
    ...(netns === undefined ? [] : (['CAP_SYS_ADMIN'] as const)),
    ...(dataplane === 'kernel' ? [] : FAST_PATH),
  ]);
}

/** Explains an error of the kernel for a user that is not root (a user namespace, a security module); returns other errors unchanged. */
export function explained(error: unknown): unknown {
  const isRefused = error instanceof Error && /\b(EPERM|EACCES)\b/.test(error.message);
  if (!isRefused || isRoot() || error instanceof CommandError) return error;
  return new CommandError(`run as root: ${error.message}`);
}
