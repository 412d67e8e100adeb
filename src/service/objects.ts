/** Services of the node, as the plan holds them. */

/** The services' namespace, and the veth to it. */
export interface ServiceLink {
  /** By `ip netns`. */
  netns: string;
  /** Prefix between ports and services. */
  prefix: string;
}

/** The services that nodes can have. */
export type ServiceName = 'metadata' | 'dns';

/** Settings for programs of ports. */
interface ServiceEntry {
  prefix: string;
  /** The node's end of the veth. */
  device: string;
  /** Of the metadata service's packets to VMs. */
  hopLimit: number;
  /** Bit n: kind n of service (enum service_kind). */
  kinds: number;
}

/** The services' file of a port, as text. */
export interface ServicePort {
  text: string;
}

declare module '../plan/plan.js' {
  interface Resources {
    /** key: the node's end of the veth */
    'service-link': ServiceLink;
    /** key: `service` */
    'bpf-service': ServiceEntry;
    /** key: interface name */
    'service-port': ServicePort;
  }
}
