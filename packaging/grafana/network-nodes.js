/** Gateways, connections and policies. */
const OF = 'instance=~"$instance"';

export default {
  uid: 'segue-network-nodes',
  title: 'segue: network nodes',
  description: 'Gateways as each node sees them, connections, and what policies decide.',
  variables: ['instance'],
  rows: {
    Gateways: [
      {
        title: 'Nodes that see the network node up',
        queries: [[`sum by (gateway, node) (segue_gateway_node_up{${OF}})`, '{{gateway}} {{node}}']],
      },
      {
        title: 'Share of new flows',
        unit: 'percentunit',
        queries: [[`avg by (gateway, node) (segue_gateway_share{${OF}})`, '{{gateway}} {{node}}']],
      },
    ],
    Connections: [
      { title: 'Connections', queries: [[`segue_connections{${OF}}`, '{{instance}}']] },
      {
        title: 'Connection table used',
        description: 'At most three quarters can be used.',
        unit: 'percentunit',
        queries: [[`segue_connections{${OF}} / segue_connection_table_size{${OF}}`, '{{instance}}']],
      },
      {
        title: 'Entries evicted',
        description: 'Half-open connections (sg_ct), and flows of hypervisors (sg_gw_affinity).',
        unit: 'cps',
        queries: [[`sum by (map) (rate(segue_map_evictions_total{${OF}}[$__rate_interval]))`, '{{map}}']],
      },
    ],
    Policies: [
      {
        title: 'Decisions',
        unit: 'cps',
        queries: [
          [`topk(20, sum by (policy) (rate(segue_policy_connections_total{${OF}}[$__rate_interval])))`, '{{policy}}'],
        ],
      },
      {
        title: 'Bytes',
        unit: 'Bps',
        queries: [
          [`topk(20, sum by (policy) (rate(segue_policy_bytes_total{${OF}}[$__rate_interval])))`, '{{policy}}'],
        ],
      },
      {
        title: 'Packets',
        unit: 'pps',
        queries: [
          [`topk(20, sum by (policy) (rate(segue_policy_packets_total{${OF}}[$__rate_interval])))`, '{{policy}}'],
        ],
      },
      {
        title: 'Dropped between tenants',
        unit: 'pps',
        queries: [
          [
            `sum by (reason) (rate(segue_fastpath_packets_total{${OF}, reason=~"drop-(no-policy|no-policy-match|policy|not-established|fragment|sequence|connection-quota|connections-full|no-network-node)"}[$__rate_interval]))`,
            '{{reason}}',
          ],
        ],
      },
      {
        title: 'Decisions that were not logged',
        unit: 'cps',
        queries: [[`rate(segue_log_suppressed_total{${OF}}[$__rate_interval])`, '{{instance}}']],
      },
      {
        title: 'Policies without a match within a day',
        kind: 'table',
        description: 'Since the series exists.',
        queries: [['count(sum by (policy) (increase(segue_policy_connections_total[1d])) == 0) or vector(0)', '']],
      },
    ],
  },
};
