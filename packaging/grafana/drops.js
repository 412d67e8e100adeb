/** What is dropped, why, and since when. */
const OF = 'instance=~"$instance"';
const DROPS = `segue_fastpath_packets_total{${OF}, verdict="drop"}`;

export default {
  uid: 'segue-drops',
  title: 'segue: drops',
  description: 'What is dropped, why and where. docs/troubleshoot.md has the cause of each reason, and what to do.',
  variables: ['instance'],
  rows: {
    'Fast path': [
      {
        title: 'By reason',
        unit: 'pps',
        queries: [[`topk(15, sum by (reason) (rate(${DROPS}[$__rate_interval])))`, '{{reason}}']],
      },
      {
        title: 'By node',
        unit: 'pps',
        queries: [[`topk(15, sum by (instance) (rate(${DROPS}[$__rate_interval])))`, '{{instance}}']],
      },
      {
        title: 'Forged sources',
        unit: 'pps',
        queries: [
          [
            `sum by (instance, reason) (rate(segue_fastpath_packets_total{${OF}, reason=~"drop-(source-mac|source-address|neighbour-sender|domain-address|routing-header|untrusted-source|inner-source)"}[$__rate_interval]))`,
            '{{instance}} {{reason}}',
          ],
        ],
      },
      {
        title: 'Reasons of the last hour that did not occur a day ago',
        kind: 'table',
        queries: [
          [
            `sort_desc(sum by (reason) (increase(${DROPS}[1h])) unless (sum by (reason) (increase(${DROPS}[1h] offset 1d)) > 0))`,
            '',
          ],
        ],
      },
    ],
    'Edge and guard': [
      {
        title: 'By reason',
        unit: 'pps',
        queries: [
          [
            `sum by (table, reason) (rate(segue_guard_dropped_packets_total{${OF}}[$__rate_interval]))`,
            '{{table}} {{reason}}',
          ],
        ],
      },
      {
        title: 'Bytes',
        unit: 'Bps',
        queries: [
          [
            `sum by (table, reason) (rate(segue_guard_dropped_bytes_total{${OF}}[$__rate_interval]))`,
            '{{table}} {{reason}}',
          ],
        ],
      },
    ],
  },
};
