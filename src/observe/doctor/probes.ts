import { release } from 'node:os';
import { createNetns, deleteNetns, NetlinkSocket, setLink } from 'netlink-ts';
import { PROBES } from './probe-list.js';
import { Findings } from './types.js';
import type { Probe, Scratch } from './probe-list.js';
import type { Check } from './types.js';

/** The oldest Linux for the slow path: H.Encaps.Red. Features of later versions have their own probes. */
const MINIMUM_KERNEL = '6.0';
/** The oldest Linux for the fast path: tcx links. */
const MINIMUM_FASTPATH_KERNEL = '6.6';

/**
 * Tries each feature in a temporary network namespace.
 *
 * @param alone tries only features that a fast path which forwards alone needs
 * @param hasNft whether features that need nft can be tried
 */
export async function probeKernel(alone: boolean, hasNft: boolean): Promise<Check[]> {
  const findings = new Findings('kernel');
  const running = release();
  const minimum = alone ? MINIMUM_FASTPATH_KERNEL : MINIMUM_KERNEL;
  if (olderThan(running, minimum)) {
    findings.fail('version', `Linux ${running}`, `segue needs Linux >= ${minimum}: install a newer kernel`);
  } else {
    findings.ok('version', `Linux ${running} (requires >= ${minimum})`);
  }
  const netns = `segue-probe-${process.pid}`;
  createNetns(netns);
  const sockets: NetlinkSocket[] = [];
  try {
    const open = (protocol: 'route' | 'generic'): NetlinkSocket => {
      const socket = NetlinkSocket.open({ protocol, netns });
      sockets.push(socket);
      return socket;
    };
    const scratch = { netns, route: open('route'), generic: open('generic') };
    scratch.route.request(setLink('lo', { up: true }));
    const missing = new Map<string, Probe>();
    for (const probe of PROBES) {
      if (alone && probe.always !== true) continue;
      if (probe.program === 'nft' && !hasNft) {
        findings.warn(probe.name, `${probe.feature}: not tried, as nft is not installed`, 'install nftables');
        continue;
      }
      const lacks = probe.needs === undefined ? undefined : missing.get(probe.needs);
      if (lacks !== undefined) findings.fail(probe.name, notSupported(probe), `it needs ${lacks.feature}`);
      if (lacks !== undefined || !(await tryOne(probe, scratch, running, findings))) missing.set(probe.name, probe);
    }
  } finally {
    for (const socket of sockets) socket.close();
    deleteNetns(netns);
  }
  return findings.checks;
}

async function tryOne(probe: Probe, scratch: Scratch, running: string, findings: Findings): Promise<boolean> {
  const { name, feature, since, config, attempt } = probe;
  try {
    await attempt(scratch);
    findings.ok(name, feature);
    return true;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const cure = olderThan(running, since)
      ? `install a newer kernel`
      : `Linux ${running} is new enough: ${config === '' ? 'see the error' : `is it built with ${config}, are its modules installed?`}`;
    findings.fail(name, notSupported(probe), `${words.split('\n')[0] ?? ''}; ${cure}`);
    return false;
  }
}

function notSupported({ feature, since }: Probe): string {
  return `${feature} not supported (requires >= ${since})`;
}

/** Whether a release ("6.12.94-cloud-amd64") is older than a version ("5.14"). */
export function olderThan(running: string, version: string): boolean {
  const [major = 0, minor = 0] = numbers(running);
  const [wantedMajor = 0, wantedMinor = 0] = numbers(version);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

function numbers(text: string): number[] {
  return text.split(/[^0-9]+/).map(Number);
}
