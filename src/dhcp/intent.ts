/** The feature's part of the intent. */
import { entityKey, portKey } from '../intent/part.js';
import { exact } from '../intent/equality.js';
import { checkSlaac, readBoot, readDhcp, readPortHostname, readRa } from './check.js';
import { portBootSchema, portHostnameSchema, subnetDhcpSchema, subnetRaSchema } from './schema.js';
import type { IntentPart } from '../intent/part.js';
import type { PortBoot, SubnetDhcp, SubnetRa } from './types.js';

declare module '../intent/types.js' {
  interface Subnet {
    /** DHCP settings for its VMs; absent: no DHCP. */
    dhcp?: SubnetDhcp;
    /** Router advertisements of an IPv6 subnet; absent: with `dhcp` those that announce DHCPv6, else none. */
    ra?: SubnetRa;
  }
  interface Port {
    /** Host name for the VM. */
    hostname?: string;
    boot?: PortBoot;
  }
}

/** Canonical values have a fixed order of keys. */
function sameText<T>(a: T | undefined, b: T | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

const subnetKey = entityKey<'subnet'>();

export const dhcpIntent = {
  keys: {
    subnet: {
      dhcp: subnetKey({ schema: subnetDhcpSchema, read: readDhcp, same: sameText }),
      ra: subnetKey({ schema: subnetRaSchema, read: readRa, same: sameText }),
    },
    port: {
      hostname: portKey({
        schema: portHostnameSchema,
        read: (given, _facts, place) => readPortHostname(given, place),
        same: exact,
        keptBy: 'own-node',
      }),
      boot: portKey({ schema: portBootSchema, read: readBoot, same: sameText, keptBy: 'own-node' }),
    },
  },
  check: checkSlaac,
} satisfies IntentPart;
