/** Templates of replies: leases, boot files, advertisements. */
import { encodeBoot } from './boot.js';
import { encodeLease4 } from './dhcpv4.js';
import { encodeLease6 } from './dhcpv6.js';
import { encodeAdvertisement } from './router-advertisement.js';
import { templateResource } from './template-resource.js';

const ZERO_MAC = '00:00:00:00:00:00';
const UNSPECIFIED = '0.0.0.0';

export const dhcp4Resource = templateResource('bpf-dhcp4', {
  map: ({ sg_dhcp4 }) => sg_dhcp4,
  encode: encodeLease4,
  unknown: {
    mac: ZERO_MAC,
    address: UNSPECIFIED,
    prefixLength: 0,
    server: UNSPECIFIED,
    seconds: 0,
    mtu: 0,
    routes: [],
  },
  describe: (device, { address, server, seconds }) =>
    `fast path dhcp dev ${device} address ${address} router ${server} lease ${seconds}`,
});

export const bootResource = templateResource('bpf-boot', {
  map: ({ sg_boot }) => sg_boot,
  encode: encodeBoot,
  unknown: { prefixLength: 0 },
  describe: (device, { server }) => `fast path boot dev ${device}${server === undefined ? '' : ` server ${server}`}`,
});

export const dhcp6Resource = templateResource('bpf-dhcp6', {
  map: ({ sg_dhcp6 }) => sg_dhcp6,
  encode: encodeLease6,
  unknown: { serverMac: ZERO_MAC, addresses: [], prefixes: [], seconds: 0 },
  describe: (device, { addresses, prefixes }) =>
    `fast path dhcpv6 dev ${device}${[...addresses, ...prefixes].map((text) => ` ${text}`).join('')}`,
});

export const raResource = templateResource('bpf-ra', {
  map: ({ sg_ra }) => sg_ra,
  encode: encodeAdvertisement,
  unknown: { gatewayMac: ZERO_MAC, mtu: 0, managed: false, other: false, prefixes: [] },
  describe: (device, { prefixes }) =>
    `fast path ra dev ${device}${prefixes.map(({ prefix }) => ` ${prefix}`).join('')}`,
});
