/** Request of `fleet simulate` to the laboratory's bundle. */
export const WORKLOADS = [
  ...(['boot-rack', 'boot-all', 'churn', 'wide-tenant'] as const),
  ...(['migration-storm', 'leader-loss', 'feed-loss', 'reconnect'] as const),
] as const;

export interface SimulateRequest {
  nodes: number;
  ports: number;
  tenants: number;
  /** Number of nodes with ports of a tenant. */
  spread: number;
  feeds: number;
  /** Number of processes that run the nodes. */
  hosts: number;
  /** Number of nodes with a planner. */
  planners: number;
  /** Commits per second, and duration, of workloads that change the intent. */
  rate: number;
  seconds: number;
  workload: (typeof WORKLOADS)[number];
  /** Directory of etcd's data; absent: in memory. */
  disk?: string;
  /** File of the report; `-`: standard output. */
  json?: string;
}
