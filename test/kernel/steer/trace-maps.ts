/** The maps of trace sessions of a network node's programs. */
import { mapOf } from '../../../src/ebpf/maps.js';
import type { TraceSession } from '../../../src/ebpf/trace-session.js';
import type { NetworkNode } from './node.js';

export function traceMapsOf(node: NetworkNode): ConstructorParameters<typeof TraceSession>[0] {
  return {
    sg_trace_on: mapOf(node.object, 'sg_trace_on'),
    sg_trace_sess: node.map('sg_trace_sess'),
    sg_trace_rate: node.map('sg_trace_rate'),
    sg_trace_rings: node.map('sg_trace_rings'),
  };
}
