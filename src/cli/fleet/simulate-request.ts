/** What `fleet simulate` asks the laboratory's bundle for. */
export const WORKLOADS = [
  ...(['boot-rack', 'boot-all', 'churn', 'wide-tenant'] as const),
  ...(['migration-storm', 'leader-loss', 'feed-loss'] as const),
] as const;

export interface SimulateRequest {
  nodes: number;
  ports: number;
  tenants: number;
  /** Nodes that a tenant's ports are on. */
  spread: number;
  feeds: number;
  /** Processes that the nodes are in. */
  hosts: number;
  /** Nodes with a planner. */
  planners: number;
  /** Commits a second, and for how long, of workloads that change the intent. */
  rate: number;
  seconds: number;
  workload: (typeof WORKLOADS)[number];
  /** Where etcd keeps its data; absent: in memory. */
  disk?: string;
  /** File for the report; `-`: standard output. */
  json?: string;
}
