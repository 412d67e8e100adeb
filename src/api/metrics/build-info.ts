/** Versions, and both the configured data plane and the one that forwards. */
import { release } from 'node:os';
import { readVersion } from '../../agent/version.js';
import { libbpfVersion } from 'libbpf-ts';
import { Family } from './exposition.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { Dataplane } from '../../intent/types.js';

export function buildInfo({ kernel, config }: ShowContext): Family[] {
  const labels = {
    version: readVersion(),
    dataplane_configured: config.dataplane,
    dataplane_running: runningDataplane(kernel, config),
    kernel: release(),
    libbpf: libbpfOrNone(),
  };
  return [new Family('build_info', 'gauge', 'Versions and data planes of this node.').add(labels, 1)];
}

/** `kernel`, or `none` without a kernel data plane, if an uplink exists without its program. */
function runningDataplane(
  { fastpath, links }: ShowContext['kernel'],
  { dataplane, uplinks }: Pick<ShowContext['config'], 'dataplane' | 'uplinks'>,
): Dataplane | 'none' {
  if (dataplane === 'kernel') return 'kernel';
  const attached = new Set(fastpath.links().map(({ ifindex }) => ifindex));
  const isWhole = uplinks.every((name) => {
    const link = links.get(name);
    return link === undefined || attached.has(link.index);
  });
  if (fastpath.maps !== undefined && isWhole) return dataplane;
  return dataplane === 'ebpf' ? 'none' : 'kernel';
}

function libbpfOrNone(): string {
  try {
    return libbpfVersion();
  } catch {
    return 'none';
  }
}
