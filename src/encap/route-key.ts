/** Default metrics: of IPv6 routes (IP6_RT_PRIO_USER, include/net/ip6_route.h), and 0 of IPv4 routes. */
export const DEFAULT_METRIC = { 4: 0, 6: 1024 } as const;

/** Key of a route in the kernel: table, prefix and metric. */
export function routeKey(table: number, prefix: string, metric: number): string {
  const key = `${table} ${prefix} ${metric}`;
  // Flattens the string: V8's rope of concatenated pieces takes 80 bytes more, a million times.
  key.charCodeAt(0);
  return key;
}
