/** Which services a node has, and the kinds of them that programs know (enum service_kind). */
import { ServiceKind } from '../ebpf/generated/layouts.js';
import { DNS_ADDRESSES, METADATA_ADDRESSES } from './address.js';
import type { NodeConfig } from '../intent/types.js';
import type { ServiceName } from './objects.js';

interface Service {
  /** For VMs. */
  addresses: readonly string[];
  port: number;
  protocols: readonly ('tcp' | 'udp')[];
  kinds: readonly number[];
}

/** The services that nodes can have. */
export const SERVICES: Readonly<Record<ServiceName, Service>> = {
  metadata: {
    addresses: METADATA_ADDRESSES,
    port: 80,
    protocols: ['tcp'],
    kinds: [ServiceKind.SERVICE_METADATA4, ServiceKind.SERVICE_METADATA6, ServiceKind.SERVICE_METADATA_LINK],
  },
  dns: {
    addresses: DNS_ADDRESSES,
    port: 53,
    protocols: ['udp', 'tcp'],
    kinds: [ServiceKind.SERVICE_DNS4, ServiceKind.SERVICE_DNS6],
  },
};

const NAMES: readonly ServiceName[] = ['metadata', 'dns'];

/** The services of a node file. */
export function servicesOf(config: Pick<NodeConfig, ServiceName>): ServiceName[] {
  return NAMES.filter((name) => config[name] !== undefined);
}

/** The services' addresses for VMs. */
export function addressesOf(config: Pick<NodeConfig, ServiceName>): string[] {
  return servicesOf(config).flatMap((name) => SERVICES[name].addresses);
}

/** The services as bits of `struct service`. */
export function kindBits(services: readonly ServiceName[]): number {
  return services.flatMap((name) => SERVICES[name].kinds).reduce((bits, kind) => bits | (1 << kind), 0);
}

/** The services of which all kinds are among the bits. */
export function servicesIn(bits: number): ServiceName[] {
  return NAMES.filter((name) => SERVICES[name].kinds.every((kind) => (bits & (1 << kind)) !== 0));
}
