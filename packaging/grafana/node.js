/** One node, or some. */
const OF = 'instance=~"$instance"';

export default {
  uid: 'segue-node',
  title: 'segue: node',
  description: 'One node: what it runs, what it forwards and drops, how full it is.',
  variables: ['instance'],
  rows: {
    Now: [
      { title: 'Ready', kind: 'stat', queries: [[`segue_agent_ready{${OF}}`, '{{instance}}']] },
      {
        title: 'Since the last sweep',
        kind: 'stat',
        unit: 's',
        queries: [[`time() - segue_last_sweep_timestamp_seconds{${OF}}`, '{{instance}}']],
      },
      {
        title: 'Since the last intent',
        kind: 'stat',
        unit: 's',
        queries: [[`time() - segue_intent_applied_timestamp_seconds{${OF}}`, '{{instance}}']],
      },
      { title: 'Objects that wait', kind: 'stat', queries: [[`segue_waiting_objects{${OF}}`, '{{instance}}']] },
      {
        title: 'Failed attempts to read the intent',
        kind: 'stat',
        queries: [[`increase(segue_intent_read_errors_total{${OF}}[1h])`, '{{instance}}']],
      },
      { title: 'Build', kind: 'table', queries: [[`segue_build_info{${OF}}`, '']] },
      { title: 'Intent', kind: 'table', queries: [[`segue_intent_info{${OF}}`, '']] },
    ],
    'Fast path': [
      {
        title: 'Packets by verdict',
        unit: 'pps',
        queries: [[`sum by (verdict) (rate(segue_fastpath_packets_total{${OF}}[$__rate_interval]))`, '{{verdict}}']],
      },
      {
        title: 'Drops by reason',
        unit: 'pps',
        queries: [
          [
            `topk(10, sum by (reason) (rate(segue_fastpath_packets_total{${OF}, verdict="drop"}[$__rate_interval])))`,
            '{{reason}}',
          ],
        ],
      },
      {
        title: 'Handed to the host, or passed, by reason',
        unit: 'pps',
        queries: [
          [
            `topk(10, sum by (reason) (rate(segue_fastpath_packets_total{${OF}, verdict=~"punt|pass"}[$__rate_interval])))`,
            '{{reason}}',
          ],
        ],
      },
      {
        title: 'Drops of edge and guard',
        unit: 'pps',
        queries: [
          [
            `sum by (table, reason) (rate(segue_guard_dropped_packets_total{${OF}}[$__rate_interval]))`,
            '{{table}} {{reason}}',
          ],
        ],
      },
    ],
    Ports: [
      { title: 'Ports by state', queries: [[`sum by (state) (segue_ports{${OF}})`, '{{state}}']] },
      {
        title: 'Ports that send most',
        unit: 'Bps',
        queries: [
          [`topk(10, rate(segue_port_transmit_bytes_total{${OF}}[$__rate_interval]))`, '{{port}} ({{tenant}})'],
        ],
      },
      {
        title: 'Ports that receive most',
        unit: 'Bps',
        queries: [[`topk(10, rate(segue_port_receive_bytes_total{${OF}}[$__rate_interval]))`, '{{port}} ({{tenant}})']],
      },
      {
        title: 'Ports by packets sent',
        unit: 'pps',
        queries: [
          [`topk(10, rate(segue_port_transmit_packets_total{${OF}}[$__rate_interval]))`, '{{port}} ({{tenant}})'],
        ],
      },
    ],
    State: [
      { title: 'Locators', queries: [[`sum by (state) (segue_underlay_locators{${OF}})`, '{{state}}']] },
      {
        title: 'Maps',
        unit: 'percentunit',
        queries: [[`segue_map_entries{${OF}} / segue_map_max_entries{${OF}}`, '{{map}}']],
      },
      {
        title: 'Drift by kind',
        queries: [
          [`sum by (kind, action) (segue_drift_objects{${OF}} or 0 * segue_agent_ready{${OF}})`, '{{kind}} {{action}}'],
        ],
      },
      {
        title: 'Repairs within an hour',
        queries: [
          [
            `sum by (kind, action) (increase(segue_repairs_total{${OF}}[1h]) or 0 * segue_agent_ready{${OF}})`,
            '{{kind}} {{action}}',
          ],
        ],
      },
    ],
  },
};
