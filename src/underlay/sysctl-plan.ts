import type { Emit } from '../plan/plan.js';

/** Plans a list of per-device sysctls: paths below /proc/sys with `*` for the device. */
export function planSysctls(
  list: readonly (readonly [path: string, value: string])[],
  device: string,
  emit: Emit,
): void {
  for (const [path, value] of list) emit('sysctl', path.replace('*', device), { value, device });
}
