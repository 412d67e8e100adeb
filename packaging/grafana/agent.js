/** The agent itself: its queue, its event loop, what it asks of the kernel and is asked. */
const OF = 'instance=~"$instance"';
const p99 = (histogram, by) =>
  `histogram_quantile(0.99, sum by (le, ${by}) (rate(${histogram}_bucket{${OF}}[$__rate_interval])))`;

export default {
  uid: 'segue-agent',
  title: 'segue: agent',
  description: 'The agent itself: its queue, its event loop, its requests to the kernel, and requests to it.',
  variables: ['instance'],
  rows: {
    Queue: [
      { title: 'Tasks', queries: [[`segue_reconcile_queue_length{${OF}}`, '{{instance}}']] },
      { title: 'Current task', unit: 's', queries: [[`segue_reconcile_busy_seconds{${OF}}`, '{{instance}}']] },
      {
        title: 'Tasks by reason',
        unit: 'ops',
        queries: [
          [`sum by (reason) (rate(segue_reconcile_duration_seconds_count{${OF}}[$__rate_interval]))`, '{{reason}}'],
        ],
      },
      {
        title: 'Time of tasks, p99',
        unit: 's',
        queries: [[p99('segue_reconcile_duration_seconds', 'reason'), '{{reason}}']],
      },
    ],
    Process: [
      {
        title: 'Event loop held up',
        unit: 's',
        queries: [
          [`max by (instance, statistic) (nodejs_eventloop_delay_seconds{${OF}})`, '{{instance}} {{statistic}}'],
        ],
      },
      {
        title: 'CPU',
        unit: 'percentunit',
        queries: [[`rate(process_cpu_seconds_total{job="segue", ${OF}}[$__rate_interval])`, '{{instance}}']],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: [
          [`process_resident_memory_bytes{job="segue", ${OF}}`, '{{instance}} resident'],
          [`nodejs_heap_size_used_bytes{job="segue", ${OF}}`, '{{instance}} heap'],
        ],
      },
      {
        title: 'Starts within a day',
        queries: [[`changes(process_start_time_seconds{job="segue", ${OF}}[1d])`, '{{instance}}']],
      },
    ],
    Kernel: [
      {
        title: 'Notifications',
        unit: 'ops',
        queries: [[`sum by (kind) (rate(segue_netlink_events_total{${OF}}[$__rate_interval]))`, '{{kind}}']],
      },
      {
        title: 'Lost within an hour',
        queries: [
          [`increase(segue_netlink_lost_total{${OF}}[1h])`, '{{instance}} notifications'],
          [`increase(segue_watcher_lost_total{${OF}}[1h])`, '{{instance}} records of watchers'],
        ],
      },
      { title: 'nft', unit: 'ops', queries: [[`rate(segue_nft_runs_total{${OF}}[$__rate_interval])`, '{{instance}}']] },
      {
        title: 'Time of nft, p99',
        unit: 's',
        queries: [[p99('segue_nft_duration_seconds', 'instance'), '{{instance}}']],
      },
    ],
    API: [
      {
        title: 'Requests',
        unit: 'reqps',
        queries: [
          [`sum by (route, code) (rate(segue_api_requests_total{${OF}}[$__rate_interval]))`, '{{route}} {{code}}'],
        ],
      },
      {
        title: 'Time of requests, p99',
        unit: 's',
        queries: [[p99('segue_api_duration_seconds', 'group'), '{{group}}']],
      },
      {
        title: 'Time of collectors',
        unit: 's',
        queries: [
          [`max by (scope, collector) (segue_scrape_collector_duration_seconds{${OF}})`, '{{scope}} {{collector}}'],
        ],
      },
      {
        title: 'Collectors that work',
        queries: [[`min by (scope, collector) (segue_scrape_collector_success{${OF}})`, '{{scope}} {{collector}}']],
      },
      {
        title: 'Records to watchers',
        unit: 'ops',
        queries: [
          [`rate(segue_watcher_records_total{${OF}}[$__rate_interval])`, '{{instance}} read'],
          [`rate(segue_watcher_suppressed_total{${OF}}[$__rate_interval])`, '{{instance}} suppressed'],
        ],
      },
      {
        title: 'Ports, tenants and network nodes without series',
        queries: [
          [`segue_ports_omitted{${OF}}`, '{{instance}} ports'],
          [`segue_tenants_omitted{${OF}}`, '{{instance}} tenants'],
          [`segue_gateway_nodes_omitted{${OF}}`, '{{instance}} network nodes'],
        ],
      },
    ],
  },
};
