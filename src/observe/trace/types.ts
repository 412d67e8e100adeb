/** The result of a trace, step by step. */

/** Why a packet does not arrive; stable names for scripts. */
export type TraceReason =
  /** no interface of that name yet */
  | 'port-waiting'
  /** the interface is not in its tenant's VRF: the guard drops its packets */
  | 'port-detached'
  | 'port-down'
  /** the source is not one of the port's */
  | 'source-not-port'
  /** the destination is an address of the SR domain: in the SID block, or in a trusted prefix */
  | 'domain-address'
  /** multicast and link-local packets stay on the link */
  | 'link-scope'
  /** inside a subnet of the tenant, but no member has the address */
  | 'no-member'
  /** to the gateway, which answers neither this protocol nor this port */
  | 'gateway-no-service'
  /** the intent gives the address to a member, and the kernel has no route there */
  | 'not-as-intended'
  /** outside the tenant's subnets, without a route */
  | 'no-route'
  /** the kernel refuses to forward here: forwarding is off, or the source is a martian */
  | 'not-forwarded'
  /** a route that is neither to a port nor through a SID */
  | 'foreign-route'
  /** the local port with the address is down, or its interface does not exist */
  | 'destination-down'
  /** larger than the MTU of the destination's port; its gateway sends an ICMP error */
  | 'too-big-for-port'
  /** larger than the uplink's MTU; no ICMP error is sent */
  | 'black-hole'
  /** no route from the outer source to the first segment */
  | 'outer-unreachable'
  | 'outer-not-uplink'
  /** the underlay's next hop does not answer */
  | 'underlay-neighbour'
  /** the hop limit expires: a gateway answers Time Exceeded, or no one does */
  | 'hop-limit'
  /** the fast path drops it for another of its reasons, `fastpath-malformed` */
  | `fastpath-${string}`
  /** the far node has no such SID */
  | 'far-no-sid'
  /** the far node has the SID, but no member with the address */
  | 'far-no-member'
  /** denied by a policy, on a network node */
  | 'policy'
  /** there is no policy between the two zones, or none for these addresses, protocol and port */
  | 'no-policy'
  | 'no-policy-match'
  /** the packet belongs to no connection and opens none */
  | 'not-established'
  /** no network node of the gateway is up */
  | 'no-network-node';

export interface TraceStep {
  /** Node of the step. */
  node: string;
  /** `port`, `fastpath`, `guard`, `route`, `flow`, `policy`, `encap`, `mtu`, `outer`, `neighbour`, `sid`, `deliver` */
  step: string;
  /** `planned`: on another node, which was not checked: its intended behaviour. */
  verdict: 'pass' | 'planned' | 'warn' | 'drop';
  /** In iproute2's terms. */
  text: string;
  /** The same as fields, by step: see docs/commands.md. */
  detail: Record<string, unknown>;
}

/** `sent`: it leaves this node correctly; the far node was not checked. `delivered`: on this node, up to the end. */
export type TraceVerdict = 'delivered' | 'sent' | 'dropped';

export interface Trace {
  node: string;
  /** null if it is traced from a network node. */
  port: string | null;
  interface: string | null;
  tenant: string;
  from: string;
  to: string;
  /** Length of the inner IP packet in bytes, header included. */
  size: number;
  protocol: Protocol;
  /** Data plane of the verdict: the fast path's program, or the kernel. */
  path: 'fastpath' | 'kernel';
  steps: TraceStep[];
  verdict: TraceVerdict;
  /** Set with verdict `dropped`. */
  reason: TraceReason | null;
  /** The verdict as text. */
  text: string;
  /** The next command to run on another node, which shows whether replies return. */
  next: NextLook | null;
}

export interface NextLook {
  node: string;
  command: string;
}

/** Ends a trace. */
export interface Ending {
  verdict: TraceVerdict;
  reason?: TraceReason;
  text: string;
  next?: NextLook;
}

/** Default size of the packet in bytes: a ping. */
export const DEFAULT_SIZE_BYTES = 84;

export type Protocol = 'icmp' | 'tcp' | 'udp';

export interface Question {
  port: string;
  to: string;
  from?: string;
  size: number;
  /** Default: echo request. */
  protocol?: Protocol;
  sourcePort?: number;
  destinationPort?: number;
  /** TTL or hop limit from the VM; default 64. */
  ttl?: number;
  /** TCP: opens a connection, rather than being part of one. */
  syn?: boolean;
}

/** A packet that arrives at this node, a network node. */
export interface ArrivingQuestion extends Omit<Question, 'port'> {
  /** Tenant of its sender. */
  tenant: string;
  from: string;
}

/** A question without a port of this node, or without a source. */
export class QuestionError extends Error {
  readonly code = 'TRACE_QUESTION';

  constructor(message: string) {
    super(message);
    this.name = 'QuestionError';
  }
}
