/** Values of the fleet that nodes, feeds and writers share. No gRPC here: the node file's check needs them. */
import type { IntentChange } from '../intent/types.js';

/** Paths of PEM files, absolute. */
export interface TlsFiles {
  /** Certificates of the CAs that the other side's certificate is of. */
  ca: string;
  /** The own certificate, with those between it and the CA. */
  cert: string;
  key: string;
}

export interface EtcdConfig {
  /** URLs of the members, one or more; `unix:/path` of the one that a feed runs. */
  endpoints: string[];
  /** Where `segue feed --with-etcd` keeps the data and the socket of an etcd of its own. */
  directory?: string;
  /** Absent: without TLS, towards loopback alone. */
  tls?: TlsFiles;
}

/** How a feed issues certificates of nodes. */
export interface EnrollConfig {
  /** Where it serves nodes that have none yet. */
  listen: string;
  /** PEM files of the CA, absolute: its certificate, with those between it and the root, and its key. */
  ca: { cert: string; key: string };
  /** Lifetime of what it issues. */
  days: number;
}

/** The fleet file, with its defaults filled in. */
export interface FleetConfig {
  /** Name of the intent among others in the same etcd. */
  realm: string;
  etcd: EtcdConfig;
  /** What `segue feed` serves. */
  feed?: FeedConfig;
}

export interface FeedConfig {
  listen: string;
  tls: TlsFiles;
  /** How often a node reports its status, milliseconds; where there are many nodes, less often. Default 30,000. */
  reportMs?: number;
  enroll?: EnrollConfig;
}

/** A value that a change has: an entity, or a text or list for block and trusted. */
export type EntityValue = NonNullable<IntentChange['after']>;

/** Kinds that the store has; outer sources of the domain are made of nodes. */
export type StoredKind = Exclude<IntentChange['kind'], 'source'>;

/** The key that each commit of the intent writes. */
export interface Head {
  format: 1;
  /** Of the store since it was set up, or since a restored backup was accepted: sequences count within it. */
  epoch: string;
  /** The cluster that the epoch is of. */
  cluster: number;
  /** Counts commits. */
  sequence: number;
  /** Of the commit: a writer that was cut off knows its own by it. */
  id: string;
  author: string;
  reason: string;
  /** Milliseconds since 1970, by the writer's clock. */
  timeMs: number;
  /** Entities that the commit changed. */
  changes: number;
  /** Of the whole intent, see digest.ts. */
  digest: string;
  /** A commit of several transactions is under way: what is read now is half of it. */
  pending?: Pending;
}

export interface Pending {
  /** The sequence that it will have. */
  sequence: number;
  id: string;
  author: string;
  reason: string;
  /** Key of the writer's lock: while it is there, the writer is at work. */
  lock: string;
}

/** What one commit did, for history and rollback. In parts where it had several transactions. */
export interface HistoryPart {
  sequence: number;
  id: string;
  author: string;
  reason: string;
  timeMs: number;
  part: number;
  changes: StoredChange[];
}

/** One entity by its key, as it was and as it is. */
export interface StoredChange {
  key: string;
  before?: EntityValue;
  after?: EntityValue;
}
