/** The part of ip6addr that the tests compare with; the package has no types. */
declare module 'ip6addr' {
  interface Addr {
    kind(): 'ipv4' | 'ipv6';
    toString(): string;
    toBuffer(): Uint8Array;
  }
  interface CIDR {
    contains(address: string): boolean;
  }
  const ip6addr: { parse(text: string): Addr; createCIDR(text: string): CIDR };
  export default ip6addr;
}
