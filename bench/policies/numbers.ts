/** Addresses of a tenant by its number. */

/** First address of its subnet: an IPv4 /24 or an IPv6 /64. */
export function tenantSubnet(tenant: number, family: 4 | 6): string {
  return family === 4 ? `10.${tenant >> 8}.${tenant & 255}.0` : `fd00:7:${tenant.toString(16)}::`;
}

export function addressText(tenant: number, family: 4 | 6, host: number): string {
  return family === 4
    ? `10.${tenant >> 8}.${tenant & 255}.${host}`
    : `fd00:7:${tenant.toString(16)}::${host.toString(16)}`;
}
