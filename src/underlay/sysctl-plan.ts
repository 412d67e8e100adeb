import type { Emit } from '../plan/plan.js';

/** Plans a list of per-device sysctls: paths below /proc/sys with `*` for the device. */
export function planSysctls(
  list: readonly (readonly [path: string, value: string])[],
  device: string,
  emit: Emit,
): void {
  for (const [pattern, value] of list) emit('sysctl', ofDevice(pattern, device), { value, device });
}

/** A pattern's path for a device, whatever characters its name has. */
export function ofDevice(pattern: string, device: string): string {
  return pattern.replace('*', () => device);
}
