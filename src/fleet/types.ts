/** Types shared by nodes, feeds and writers, without gRPC, because the check of the node file needs them. */
import type { IntentChange } from '../intent/types.js';

/** Absolute paths of PEM files. */
export interface TlsFiles {
  /** Certificates of the CAs that issue the other side's certificate. */
  ca: string;
  /** The own certificate, followed by those between it and the CA. */
  cert: string;
  key: string;
}

export interface EtcdConfig {
  /** URLs of the members, one or more; `unix:/path` for a feed's own etcd. */
  endpoints: string[];
  /** Directory of data and socket of the etcd that `segue feed --with-etcd` runs. */
  directory?: string;
  /** Absent: no TLS, only for loopback. */
  tls?: TlsFiles;
}

/** How a feed issues nodes' certificates. */
export interface EnrollConfig {
  /** Address for nodes without a certificate. */
  listen: string;
  /** Absolute paths of the CA's PEM files: its certificate, followed by those between it and the root, and its key. */
  ca: { cert: string; key: string };
  /** Lifetime of issued certificates. */
  days: number;
}

/** The fleet file with defaults applied. */
export interface FleetConfig {
  /** Name of the intent among others in the same etcd. */
  realm: string;
  etcd: EtcdConfig;
  /** Settings of `segue feed`. */
  feed?: FeedConfig;
}

export interface FeedConfig {
  listen: string;
  tls: TlsFiles;
  /** Interval of nodes' reports in milliseconds; longer for large fleets. Default 30,000. */
  reportMs?: number;
  enroll?: EnrollConfig;
}

/** The value of a change: an entity, or a text or list for block and trusted. */
export type EntityValue = NonNullable<IntentChange['after']>;

/** Kinds in the store; outer sources of the domain are derived from nodes. */
export type StoredKind = Exclude<IntentChange['kind'], 'source'>;

/** A kind that a feature adds to the intent does not compile until it is listed here. */
const KINDS: Readonly<Record<StoredKind, true>> = {
  ...{ node: true, tenant: true, port: true },
  ...{ path: true, gateway: true, external: true, policy: true },
  ...{ block: true, trusted: true },
};

/** In the order of the command line's help. */
export const STORED_KINDS = Object.keys(KINDS) as readonly StoredKind[];

/** The key that every commit of the intent writes. */
export interface Head {
  format: 1;
  /** Changes when the store is set up, and when a restored backup is accepted: sequences are counted within it. */
  epoch: string;
  /** The etcd cluster of the epoch. */
  cluster: number;
  /** Number of the commit. */
  sequence: number;
  /** Id of the commit, by which a writer recognises its own after a lost answer. */
  id: string;
  author: string;
  reason: string;
  /** In milliseconds since 1970, by the writer's clock. */
  timeMs: number;
  /** Number of entities that the commit changed. */
  changes: number;
  /** Digest of the whole intent (digest.ts). */
  digest: string;
  /** A commit of several transactions is in progress: entities may be half changed. */
  pending?: Pending;
}

export interface Pending {
  /** The sequence that the commit will have. */
  sequence: number;
  id: string;
  author: string;
  reason: string;
  /** Key of the writer's lock, which exists while the writer is at work. */
  lock: string;
}

/** The changes of a commit for history and rollback, in parts if it had several transactions. */
export interface HistoryPart {
  sequence: number;
  id: string;
  author: string;
  reason: string;
  timeMs: number;
  part: number;
  changes: StoredChange[];
}

/** An entity by key, before and after a change. */
export interface StoredChange {
  key: string;
  before?: EntityValue;
  after?: EntityValue;
}
