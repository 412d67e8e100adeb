/** IPv6 routes get this metric when none is asked for (IP6_RT_PRIO_USER, include/net/ip6_route.h); IPv4's is 0. */
export const DEFAULT_METRIC = { 4: 0, 6: 1024 } as const;

/** What tells a route from others in the kernel: table, prefix and metric. */
export function routeKey(table: number, prefix: string, metric: number): string {
  const key = `${table} ${prefix} ${metric}`;
  // Makes one flat string of it: the tree of pieces that V8 keeps instead costs 80 bytes more, a million times.
  key.charCodeAt(0);
  return key;
}
