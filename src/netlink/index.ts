/** rtnetlink and generic netlink for TypeScript: the facade, and beneath it requests, sockets, notifications. See README.md. */
export { Rtnetlink, type RtnetlinkMonitorOptions } from './rtnetlink.js';
export type {
  AddressFilterInput,
  AddressInput,
  LinkChangeInput,
  LinkFilterInput,
  LinkInput,
  NeighbourFilterInput,
  NeighbourInput,
  NexthopInput,
  RouteFilterInput,
  RouteInput,
  RtnetlinkOptions,
  RuleInput,
} from './shapes.js';
export {
  errnoName,
  isNetlinkError,
  NetlinkError,
  type NetlinkErrorDetail,
  NetnsError,
  type NetnsErrorCode,
  SystemCallError,
} from './error.js';
export {
  createNetns,
  deleteNetns,
  inNetns,
  listNetns,
  NETNS_DIRECTORY,
  netnsIdentity,
  netnsPath,
  openNetns,
} from './netns.js';
export { MAX_BATCH, type NetlinkResult, NetlinkSocket } from './socket.js';
export type { NetlinkProtocol, NetlinkSocketOptions } from './transport.js';
export { NetlinkMonitor, type NetlinkMonitorOptions } from './monitor.js';
export { executeAll, type ExecuteAllOptions, type ExecuteAllResult, type RequestFailure } from './execute-all.js';
export { makeGenericRequest, makeRequest, type NetlinkRequest } from './request.js';
export { AttributeReader, MessageView, viewMessage } from './reader.js';
export { MessageWriter } from './writer.js';
export {
  NetfilterGroup,
  RouteGroup,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTPROT_BOOT,
  RTPROT_KERNEL,
  RTPROT_STATIC,
} from './constants.js';
export type * from './types.js';
export { NeighbourFlag, NeighbourState } from './types.js';
export * from './address.js';
export { decodeEvent, decodeNftablesEvent, type NftablesEvent } from './events.js';
export {
  decodeFeatures,
  type DeviceFeatures,
  deviceFeatures,
  ETHTOOL_FAMILY,
  ETHTOOL_GROUP,
  getFeaturesRequest,
  setDeviceFeatures,
  setFeaturesRequest,
} from './ethtool.js';
export { decodeFamily, type GenericFamily, getFamilyRequest, resolveFamily } from './generic.js';
export { decodeLinkStats, type DirectionStats, dumpLinkStatsRequest, type LinkStats } from './link-stats.js';
export {
  decodeXdpFeatures,
  hasNativeXdp,
  NETDEV_FAMILY,
  NETDEV_GROUP,
  takesFrames,
  XdpFeature,
  type XdpFeatures,
  xdpFeatures,
} from './netdev.js';
export { decodeQdisc, dumpQdiscsRequest, type Qdisc } from './qdisc.js';
export { getTunnelSource, setTunnelSource } from './seg6.js';
export * from './link.js';
export * from './neighbour.js';
export * from './nexthop.js';
export * from './route.js';
export * from './rule.js';
