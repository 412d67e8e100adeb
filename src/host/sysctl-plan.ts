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

/** Turns IPv6 forwarding on for the whole host. */
export const HOST_FORWARDING = 'net/ipv6/conf/all/forwarding';

/**
 * Lets the kernel forward what comes in by one interface while `conf.all.forwarding` is off (Linux 6.17, ip6_forward in
 * net/ipv6/ip6_output.c); a write of 0 to that takes it back on every interface. `*` is the device.
 */
export const FORCE_FORWARDING: readonly [string, string] = ['net/ipv6/conf/*/force_forwarding', '1'];
