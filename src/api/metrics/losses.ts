/** Losses of programs: evicted entries of full tables, and suppressed records of the policy log. The counters outlive agents. */
import { evictedConnections } from '../../gateway/connection-table.js';
import { evictedFlows } from '../../gateway/flow-affinity.js';
import { suppressedDecisions } from '../../gateway/steering-maps.js';
import { Family } from './exposition.js';
import type { ShowContext } from '../../observe/inspect/context.js';

/** Evictions of each table of the node in which a new entry may replace another. docs/adr/0153 explains why others are not included. */
export function lossMetrics({ kernel: { fastpath } }: ShowContext): Family[] {
  const evictions = new Family('map_evictions_total', 'counter', 'Entries that were evicted for a newer one.');
  const suppressed = new Family(
    'log_suppressed_total',
    'counter',
    'Decisions of policies with log that were not logged.',
  );
  const { gateways, steering } = fastpath;
  if (gateways.maps !== undefined) evictions.add({ map: 'sg_gw_affinity' }, evictedFlows(gateways.maps));
  if (steering.maps !== undefined) {
    evictions.add({ map: 'sg_ct' }, evictedConnections(steering.maps));
    suppressed.add({}, suppressedDecisions(steering.maps));
  }
  return [evictions, suppressed];
}
