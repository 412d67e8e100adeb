/** Names, addresses and MAC addresses of the chain: gen – hv1 – hv2 – sink. The same in every chain, each has namespaces of its own. */

export const NODES = ['gen', 'hv1', 'hv2', 'sink'] as const;
/** A network node stands between the hypervisors where a chain is made with one. */
export type Node = (typeof NODES)[number] | 'nn';
export type UnderlayNode = 'hv1' | 'nn' | 'hv2';

/** The inner network's family. The underlay has both. */
export type Family = 4 | 6;

/** Devices: what a VM or a process has, what the hypervisor has of it, and the underlay. */
export const VM = 'eth0';
export const PORT = 'port0';
export const UPLINK = 'uplink0';
/** A network node's, by the hypervisor at its other end. */
export const NN_UPLINK = { hv1: 'left0', hv2: 'right0' } as const;

export const MAC = {
  gen: '02:5e:00:00:00:01',
  hv1Port: '02:5e:00:00:00:11',
  hv1Uplink: '02:5e:00:00:00:12',
  nnLeft: '02:5e:00:00:00:31',
  nnRight: '02:5e:00:00:00:32',
  hv2Uplink: '02:5e:00:00:00:21',
  hv2Port: '02:5e:00:00:00:22',
  sink: '02:5e:00:00:00:02',
} as const;

/** Tenant's side: the links of generator and sink, and the network behind the sink that packets go to. */
export const INNER = {
  4: {
    gen: '10.10.1.2',
    genGateway: '10.10.1.1',
    genPrefix: '10.10.1.0/24',
    sinkLink: '10.10.2.2',
    sinkGateway: '10.10.2.1',
    /** First address of the network behind the sink: TCP goes there, flow i of many goes to the i-th after it. */
    sink: '10.64.0.1',
    sinkPrefix: '10.64.0.0/10',
  },
  6: {
    gen: 'fd00:10:1::2',
    genGateway: 'fd00:10:1::1',
    genPrefix: 'fd00:10:1::/64',
    sinkLink: 'fd00:10:2::2',
    sinkGateway: 'fd00:10:2::1',
    sink: 'fd00:20::1',
    sinkPrefix: 'fd00:20::/64',
  },
} as const;

export const UNDERLAY = {
  4: { hv1: '172.16.0.1', hv2: '172.16.0.2', length: 30 },
  6: { hv1: 'fd00:5e:ff::1', hv2: 'fd00:5e:ff::2', length: 64 },
} as const;

/** The links of a network node to each of the hypervisors, in its place between them. */
export const NN_UNDERLAY = {
  hv1: {
    4: { hv: '172.16.0.1', nn: '172.16.0.2', length: 30 },
    6: { hv: 'fd00:5e:ff::1', nn: 'fd00:5e:ff::2', length: 64 },
  },
  hv2: {
    4: { hv: '172.16.0.5', nn: '172.16.0.6', length: 30 },
    6: { hv: 'fd00:5e:fe::1', nn: 'fd00:5e:fe::2', length: 64 },
  },
} as const;

export const LOCATOR = { hv1: 'fd00:5e:1::/48', nn: 'fd00:5e:9::/48', hv2: 'fd00:5e:2::/48' } as const;
/** Outer source of each node. */
export const TUNNEL_SOURCE = { hv1: 'fd00:5e:1::1', nn: 'fd00:5e:9::1', hv2: 'fd00:5e:2::1' } as const;

/** Bytes. Room for 8,900 of a tenant's under every tunnel measured (VXLAN over IPv6 takes 70). */
export const UNDERLAY_MTU = 9000;
