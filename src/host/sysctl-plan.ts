import type { Emit } from '../plan/plan.js';

/** Plans per-device sysctls: paths below /proc/sys with `*` for the device. */
export function planSysctls(
  list: readonly (readonly [path: string, value: string])[],
  device: string,
  emit: Emit,
): void {
  for (const [pattern, value] of list) emit('sysctl', ofDevice(pattern, device), { value, device });
}

/** The path of a pattern for a device, whose name may contain any character. */
export function ofDevice(pattern: string, device: string): string {
  return pattern.replace('*', () => device);
}

/** Enables IPv6 forwarding for the whole host. */
export const HOST_FORWARDING = 'net/ipv6/conf/all/forwarding';

/**
 * Makes the kernel forward packets from one interface while `conf.all.forwarding` is off (Linux 6.17, ip6_forward in net/ipv6/ip6_output.c).
 * Writing 0 to conf.all.forwarding resets it on every interface. `*` is the device.
 */
export const FORCE_FORWARDING: readonly [string, string] = ['net/ipv6/conf/*/force_forwarding', '1'];
