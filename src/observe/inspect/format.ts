/** iproute2's names of numbers. */

const PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'unspec',
  1: 'redirect',
  2: 'kernel',
  3: 'boot',
  4: 'static',
  9: 'ra',
  16: 'dhcp',
  18: 'keepalived',
  94: 'segue',
  186: 'bgp',
  187: 'isis',
  188: 'ospf',
  192: 'eigrp',
};

/** A route protocol's name as in rt_protos, or its number. */
export function protocolName(protocol: number): string {
  return PROTOCOLS[protocol] ?? String(protocol);
}

export function familyName(family: 4 | 6 | undefined): 'inet' | 'inet6' {
  return family === 4 ? 'inet' : 'inet6';
}
