/** The calls that are made and served, from the descriptors of src/fleet/proto. Loaded by who speaks gRPC, and by nobody else. */
import { fromJSON } from '@grpc/proto-loader';
import { etcdDescriptor, feedDescriptor } from './generated/descriptors.js';
import type { ServiceDefinition } from '@grpc/grpc-js';

/**
 * Numbers of 64 bits become doubles: revisions and times stay below 2^53; of cluster ids the lowest bits are lost, which tells them apart as
 * well; leases are given ids of 48 bits.
 */
const OPTIONS = {
  keepCase: true,
  longs: Number,
  enums: String,
  bytes: Buffer,
  defaults: true,
  arrays: true,
  oneofs: true,
};

function serviceOf(descriptor: object, name: string): ServiceDefinition {
  return fromJSON(descriptor, OPTIONS)[name] as unknown as ServiceDefinition;
}

export const KV = serviceOf(etcdDescriptor, 'etcdserverpb.KV');
export const WATCH = serviceOf(etcdDescriptor, 'etcdserverpb.Watch');
export const LEASE = serviceOf(etcdDescriptor, 'etcdserverpb.Lease');
export const FEED = serviceOf(feedDescriptor, 'segue.feed.v1.Feed');
export const ENROLLMENT = serviceOf(feedDescriptor, 'segue.feed.v1.Enrollment');

export interface ResponseHeader {
  cluster_id: number;
  member_id: number;
  revision: number;
}

export interface KeyValue {
  key: Buffer;
  create_revision: number;
  mod_revision: number;
  value: Buffer;
  lease: number;
}

export interface RangeRequest {
  key: Buffer;
  range_end?: Buffer;
  limit?: number;
  revision?: number;
  keys_only?: boolean;
  sort_order?: 'NONE' | 'ASCEND' | 'DESCEND';
  sort_target?: 'KEY';
}

export interface RangeResponse {
  header: ResponseHeader;
  kvs: KeyValue[];
  more: boolean;
}

export interface Compare {
  result: 'EQUAL';
  target: 'MOD' | 'CREATE';
  key: Buffer;
  mod_revision?: number;
  create_revision?: number;
}

export type RequestOp =
  | { request_put: { key: Buffer; value: Buffer; lease?: number } }
  | { request_delete_range: { key: Buffer; range_end?: Buffer } }
  | { request_range: RangeRequest };

export interface TxnRequest {
  compare: Compare[];
  success: RequestOp[];
  failure?: RequestOp[];
}

export interface TxnResponse {
  header: ResponseHeader;
  succeeded: boolean;
  responses: { response_range?: RangeResponse }[];
}

export interface WatchResponse {
  header: ResponseHeader;
  created: boolean;
  canceled: boolean;
  compact_revision: number;
  cancel_reason: string;
  fragment: boolean;
  events: { type: 'PUT' | 'DELETE'; kv: KeyValue }[];
}

/** What a node asks a feed for; see proto/feed.proto. */
export interface FollowRequest {
  node: string;
  protocol: number;
  epoch: string;
  sequence: number;
  digest: string;
  version: string;
}

/** For a node's first certificate; see proto/feed.proto. */
export interface EnrollRequest {
  token: string;
  node: string;
  request: string;
}

export interface RenewRequest {
  node: string;
  request: string;
}

/** PEM texts. */
export interface IssuedCertificate {
  certificate: string;
  ca: string;
}

/** One message of a feed; see proto/feed.proto. */
export interface Update {
  epoch: string;
  sequence: number;
  snapshot: boolean;
  more: boolean;
  changes: { key: string; value: Buffer }[];
  digest: string;
  written_ms: number;
  behind_ms: number;
  held: string;
  fed_ms: number;
}

/** What a node says of itself; see proto/feed.proto. */
export interface ReportRequest {
  node: string;
  status: Buffer;
}

export interface ReportReply {
  next_ms: number;
}

/** Of the protocol between feeds and nodes. */
export const FEED_PROTOCOL = 1;
