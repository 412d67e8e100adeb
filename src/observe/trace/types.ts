/** What a trace finds, step by step. */

/** Why a packet does not arrive; stable, for scripts. */
export type TraceReason =
  /** no interface of that name yet */
  | 'port-waiting'
  /** the interface is not in its tenant's VRF: the guard drops what comes from it */
  | 'port-detached'
  | 'port-down'
  /** the source is not one of the port's */
  | 'source-not-port'
  /** the destination is an address of the SR domain: in the SID block, or in a trusted prefix */
  | 'domain-address'
  /** multicast and link-local packets stay on the link */
  | 'link-scope'
  /** inside a subnet of the tenant, and nobody has the address */
  | 'no-member'
  /** to the gateway, which answers neither this protocol nor this port */
  | 'gateway-no-service'
  /** the intent gives the address to a member, and the kernel has no route there */
  | 'not-as-intended'
  /** outside the tenant's subnets, and no way there */
  | 'no-route'
  /** the kernel refuses to forward here: forwarding is off, or the source is a martian */
  | 'not-forwarded'
  /** a route that is neither to a port nor through a SID */
  | 'foreign-route'
  /** the local port that has the address is down, or its interface is not there */
  | 'destination-down'
  /** larger than the destination's port takes; its gateway says so to the sender */
  | 'too-big-for-port'
  /** larger than the uplink takes; nobody tells the sender */
  | 'black-hole'
  /** no way from the outer source to the first segment */
  | 'outer-unreachable'
  | 'outer-not-uplink'
  /** the underlay's next hop does not answer */
  | 'underlay-neighbour'
  /** at its last hop: a gateway answers Time Exceeded, or nobody does */
  | 'hop-limit'
  /** the fast path drops it for another of its reasons, `fastpath-malformed` */
  | `fastpath-${string}`
  /** the far node has no such SID */
  | 'far-no-sid'
  /** the far node has the SID and nobody with the address */
  | 'far-no-member'
  /** denied by a policy, on a network node */
  | 'policy'
  /** there is no policy between the two, or none for these addresses, protocol and port */
  | 'no-policy'
  | 'no-policy-match'
  /** of no connection that was let in, and opens none */
  | 'not-established'
  /** no network node of the gateway is up */
  | 'no-network-node';

export interface TraceStep {
  /** Where it happens. */
  node: string;
  /** `port`, `fastpath`, `guard`, `route`, `flow`, `policy`, `encap`, `mtu`, `outer`, `neighbour`, `sid`, `deliver` */
  step: string;
  /** `planned`: on another node, which was not looked at: what the intent wants there. */
  verdict: 'pass' | 'planned' | 'warn' | 'drop';
  /** In iproute2's words. */
  text: string;
  /** The same in fields, by step: see docs/commands.md. */
  detail: Record<string, unknown>;
}

/** `sent`: it leaves this node in good order; the far node was not looked at. `delivered`: at this node, to the end. */
export type TraceVerdict = 'delivered' | 'sent' | 'dropped';

export interface Trace {
  node: string;
  /** null where it is traced from a network node on. */
  port: string | null;
  interface: string | null;
  tenant: string;
  from: string;
  to: string;
  /** Bytes of the inner IP packet, header included. */
  size: number;
  protocol: Protocol;
  /** Whose doing the verdict is: that of the fast path's program, or the kernel's. */
  path: 'fastpath' | 'kernel';
  steps: TraceStep[];
  verdict: TraceVerdict;
  /** With verdict `dropped`. */
  reason: TraceReason | null;
  /** The verdict in words. */
  text: string;
  /** Where to look next: a command on another node, which shows whether answers come back. */
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

/** Bytes of the packet traced when nobody says: a ping. */
export const DEFAULT_SIZE_BYTES = 84;

export type Protocol = 'icmp' | 'tcp' | 'udp';

export interface Question {
  port: string;
  to: string;
  from?: string;
  size: number;
  /** Default: an echo request. */
  protocol?: Protocol;
  sourcePort?: number;
  destinationPort?: number;
  /** TTL or hop limit as the VM sends it; default 64. */
  ttl?: number;
  /** TCP: opens a connection, instead of being of one. */
  syn?: boolean;
}

/** A packet that arrives at a network node, the node that is asked. */
export interface ArrivingQuestion extends Omit<Question, 'port'> {
  /** Whose it is. */
  tenant: string;
  from: string;
}

/** A question that names no port here, or no source. */
export class QuestionError extends Error {
  readonly code = 'TRACE_QUESTION';

  constructor(message: string) {
    super(message);
    this.name = 'QuestionError';
  }
}
