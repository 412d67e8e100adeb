/** The gRPC calls, from the descriptors of src/fleet/proto. Only code that speaks gRPC may load this module. */
import { fromJSON } from '@grpc/proto-loader';
import { etcdDescriptor, feedDescriptor } from './generated/descriptors.js';
import type { ServiceDefinition } from '@grpc/grpc-js';

/**
 * 64-bit numbers become doubles: revisions and times stay below 2^53; cluster ids lose their lowest bits, but remain distinct; leases get ids of 48
 * bits.
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

/** A node's request to follow a feed; see proto/feed.proto. */
export interface FollowRequest {
  node: string;
  protocol: number;
  epoch: string;
  sequence: number;
  digest: string;
  version: string;
}

/** Request of a node's first certificate; see proto/feed.proto. */
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

/** A message of a feed; see proto/feed.proto. */
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

/** A node's report; see proto/feed.proto. */
export interface ReportRequest {
  node: string;
  status: Buffer;
}

export interface ReportReply {
  next_ms: number;
}

/** Version of the protocol between feeds and nodes. */
export const FEED_PROTOCOL = 1;
