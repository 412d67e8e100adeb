/** The edge of the SR domain, which drops packets from outside. */
import { EDGE_TABLES } from './edge-table.js';
import { edgeResource } from './edge-resource.js';
import { planEdge, planEdgeSource } from './plan.js';
import type { Feature } from '../reconcile/feature.js';

export const edgeFeature = {
  name: 'edge',
  resources: { edge: edgeResource },
  observe: { counterTables: EDGE_TABLES },
  plans: { node: planEdge, source: planEdgeSource },
} satisfies Feature;
