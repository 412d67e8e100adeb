/** Counters of network devices (RTM_GETSTATS: net/core/rtnetlink.c, rtnl_stats_dump). */
import { AF_UNSPEC, DUMP } from './constants.js';
import type { MessageView } from './reader.js';
import { makeRequest, type NetlinkRequest } from './request.js';

const RTM_NEWSTATS = 92;
const RTM_GETSTATS = 94;
const IF_STATS_MSG_BYTES = 12;
const IFLA_STATS_LINK_64 = 1;
/** IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64) */
const FILTER_LINK_64 = 1 << (IFLA_STATS_LINK_64 - 1);

/** The head of struct rtnl_link_stats64, since the device was made. */
export interface LinkStats {
  ifindex: number;
  rx: DirectionStats;
  tx: DirectionStats;
}

export interface DirectionStats {
  packets: bigint;
  bytes: bigint;
  errors: bigint;
  dropped: bigint;
}

/** The counters of all devices of the namespace. */
export function dumpLinkStatsRequest(): NetlinkRequest {
  return makeRequest(
    () => 'list link statistics',
    (writer) => {
      writer.begin(RTM_GETSTATS, DUMP);
      writer.bytes4(AF_UNSPEC, 0, 0, 0);
      writer.word(0);
      writer.word(FILTER_LINK_64);
      writer.end();
    },
  );
}

/** Decodes RTM_NEWSTATS; undefined for any other message. */
export function decodeLinkStats(message: MessageView): LinkStats | undefined {
  if (message.type !== RTM_NEWSTATS) return undefined;
  const reader = message.attributes(IF_STATS_MSG_BYTES);
  while (reader.next()) {
    if (reader.type !== IFLA_STATS_LINK_64) continue;
    // rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped, …
    const at = (field: number): bigint => reader.u64(field * 8);
    return {
      ifindex: message.u32(4),
      rx: { packets: at(0), bytes: at(2), errors: at(4), dropped: at(6) },
      tx: { packets: at(1), bytes: at(3), errors: at(5), dropped: at(7) },
    };
  }
  return undefined;
}
