/** What is wrong now, of all nodes. */
const EACH_READY = '0 * segue_agent_ready';

export default {
  uid: 'segue-fleet',
  title: 'segue: fleet',
  description: 'What is wrong now, on all nodes.',
  rows: {
    Now: [
      { title: 'Agents that answer', kind: 'stat', queries: [['sum(up{job="segue"})', 'up']] },
      { title: 'Agents that do not', kind: 'stat', queries: [['count(up{job="segue"} == 0) or vector(0)', 'down']] },
      {
        title: 'Different intents',
        kind: 'stat',
        description: 'More than 1 for long: a node lags behind.',
        queries: [['count(count by (hash) (segue_intent_info))', 'intents']],
      },
      { title: 'Intents held', kind: 'stat', queries: [['sum(segue_intent_held)', 'held']] },
      { title: 'Intents refused', kind: 'stat', queries: [['sum(segue_intent_refused)', 'refused']] },
      {
        title: 'Locators without a route',
        kind: 'stat',
        queries: [['sum(segue_underlay_locators{state="unresolved"})', 'unresolved']],
      },
      {
        title: 'Alerts that fire',
        kind: 'table',
        queries: [
          ['count by (alertname, instance) (ALERTS{alertname=~"Segue.*", alertstate="firing"}) or vector(0)', ''],
        ],
      },
      {
        title: 'Versions and data planes',
        kind: 'table',
        queries: [['count by (version, kernel, dataplane_configured, dataplane_running) (segue_build_info)', '']],
      },
    ],
    State: [
      {
        title: 'Drift at the last sweep',
        queries: [[`sum by (instance) (segue_drift_objects or ${EACH_READY})`, '{{instance}}']],
      },
      {
        title: 'Repairs within an hour',
        queries: [[`sum by (instance) (increase(segue_repairs_total[1h]) or ${EACH_READY})`, '{{instance}}']],
      },
      {
        title: 'Failures within an hour',
        queries: [[`sum by (instance) (increase(segue_failures_total[1h]) or ${EACH_READY})`, '{{instance}}']],
      },
      { title: 'Ports by state', queries: [['sum by (state) (segue_ports)', '{{state}}']] },
    ],
    Traffic: [
      {
        title: 'Forwarded',
        unit: 'pps',
        queries: [
          [
            'sum by (instance) (rate(segue_fastpath_packets_total{verdict="forward"}[$__rate_interval]))',
            '{{instance}}',
          ],
        ],
      },
      {
        title: 'Dropped by the fast path',
        unit: 'pps',
        queries: [
          ['sum by (instance) (rate(segue_fastpath_packets_total{verdict="drop"}[$__rate_interval]))', '{{instance}}'],
        ],
      },
      {
        title: 'Dropped by edge and guard',
        unit: 'pps',
        queries: [['sum by (instance) (rate(segue_guard_dropped_packets_total[$__rate_interval]))', '{{instance}}']],
      },
      {
        title: 'Tenants that send most',
        unit: 'Bps',
        queries: [
          ['topk(10, sum by (tenant) (rate(segue_tenant_transmit_bytes_total[$__rate_interval])))', '{{tenant}}'],
        ],
      },
    ],
  },
};
