import type { ControlResults } from '../control/results.js';

/** One sentence on the control plane for the head of the page. */
export function controlSummary({ cold, move }: ControlResults): string {
  const routes = cold.map(
    ({ name, ratio }) =>
      `${name} ${ratio.netlink.median.toFixed(2)} × (whole process ${ratio.process.median.toFixed(2)} ×)`,
  );
  const largest = move.reduce((a, b) => (b.remotePorts > a.remotePorts ? b : a));
  return (
    `**Control plane**, routes a second of segue's netlink against \`ip -batch\`: ${routes.join(', ')}. One port moves ` +
    `among ${largest.remotePorts}: p50 ${largest.latency.p50.toFixed(0)} µs, p99 ${largest.latency.p99.toFixed(0)} µs.`
  );
}
