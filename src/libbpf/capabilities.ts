/** Which of the capabilities that eBPF asks for (capabilities(7)) this process lacks. */
import { readFileSync } from 'node:fs';

/** Numbers of linux/capability.h, and what each is for here. */
const CAPABILITIES = [
  { name: 'CAP_BPF', bit: 39n, purpose: 'maps, programs, BTF' },
  { name: 'CAP_NET_ADMIN', bit: 12n, purpose: 'networking programs' },
  { name: 'CAP_PERFMON', bit: 38n, purpose: 'tracing programs' },
] as const;
const SYS_ADMIN = 21n;

function effective(): bigint | undefined {
  try {
    const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1];
    return digits === undefined ? undefined : BigInt(`0x${digits}`);
  } catch {
    return undefined;
  }
}

/** "this process lacks CAP_BPF (maps, programs, BTF), …"; undefined when it has them all, or CAP_SYS_ADMIN, which stands for them. */
export function missingCapabilities(mask = effective()): string | undefined {
  if (mask === undefined) return undefined;
  const has = (bit: bigint): boolean => ((mask >> bit) & 1n) === 1n;
  if (has(SYS_ADMIN)) return undefined;
  const missing = CAPABILITIES.filter(({ bit }) => !has(bit));
  if (missing.length === 0) return undefined;
  return `this process lacks ${missing.map(({ name, purpose }) => `${name} (${purpose})`).join(', ')}`;
}
