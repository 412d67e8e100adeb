/** Keys of members and prefixes in the plan: `<tenant id> <address or prefix>`. */

/** @param to canonical text of an address or a prefix */
export function memberKey(tenant: number, to: string): string {
  const key = `${tenant} ${to}`;
  // Makes one flat string of it: the tree of pieces that V8 keeps instead costs twice as much, a million times.
  key.charCodeAt(0);
  return key;
}

/** Where the address begins in a key. */
export function addressStart(key: string): number {
  return key.indexOf(' ') + 1;
}
