import { mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { startAgents, stopAll } from './agents.js';
import { ensureBpffs } from './bpffs.js';
import { Capture } from './capture.js';
import { checkIdentity, checkIsolation, checkReach, checkReports, partnerOf } from './checks.js';
import { DEMO_DIRECTORY } from './demo.js';
import { buildNetwork } from './network.js';
import { openSource } from './source.js';
import { removeLab, takeLab } from './state.js';
import { measureThroughput } from './throughput.js';
import { find, netnsOf, ROUTER } from './topology.js';
import { checkWire } from './wire.js';
import type { Background } from './process.js';
import type { Demo } from './demo.js';
import type { LabSource, SourceName } from './source.js';
import type { LabReport, ThroughputResult } from './report.js';
import type { Topology } from './topology.js';

export interface LabRunOptions {
  /** duration of each throughput measurement */
  seconds: number;
  source: SourceName;
  /** called with the current step */
  onProgress: (text: string) => void;
}

/** Runs the whole demonstration: builds it, runs the checks, and removes it, even after a failure or a signal. */
export async function runLab(demo: Demo, options: LabRunOptions): Promise<LabReport> {
  const started = performance.now();
  await takeLab('run');
  let agents = new Map<string, Background>();
  let source: LabSource | undefined;
  try {
    await prepare(demo, options.onProgress);
    source = await openSource(demo, options.source, { ...options, directory: DEMO_DIRECTORY });
    options.onProgress('starting an agent for each hypervisor');
    const agentsStarted = performance.now();
    agents = await startAgents(source.files);
    const agentsMs = performance.now() - agentsStarted;
    const reported = source.fleet === undefined ? [] : checkReports(await source.fleet.reports());
    const { checks, packets } = await tryAll(demo, options);
    options.onProgress(`running iperf3 in both tenants at once, ${options.seconds} s`);
    const throughput = await measureAll(demo, options.seconds);
    return {
      kernel: release(),
      virtualMachine: process.env.SEGUE_VM === '1',
      source: options.source,
      agentsMs,
      checks: [...reported, ...checks],
      packets,
      throughput,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await stopAll(agents.values());
    await source?.close();
    await removeLab();
  }
}

/** Builds the network. */
export async function prepare(demo: Topology, onProgress: LabRunOptions['onProgress']): Promise<void> {
  const needsPins = demo.nodes.some(({ dataplane = 'kernel' }) => dataplane !== 'kernel');
  if (needsPins && (await ensureBpffs())) onProgress('mounting a bpffs on /sys/fs/bpf, which this machine lacks');
  const { nodes, vms } = demo;
  onProgress(`building ${nodes.length} nodes, a router and ${vms.length} VMs in namespaces`);
  await buildNetwork(demo);
}

async function tryAll(demo: Demo, { onProgress }: LabRunOptions): Promise<Pick<LabReport, 'checks' | 'packets'>> {
  const captures = join(DEMO_DIRECTORY, 'captures');
  mkdirSync(captures, { recursive: true });
  onProgress('pinging within the tenants, with a capture on the underlay');
  const capture = await Capture.start(netnsOf(demo, ROUTER), 'hv1', join(captures, 'underlay.pcap'), 'ip6');
  const reach = await checkReach(demo);
  const wire = checkWire(demo, await capture.stop());
  onProgress('connecting to the addresses that both tenants use');
  const identity = await checkIdentity(demo);
  onProgress('pinging between the tenants, with captures at the VMs');
  const isolation = await checkIsolation(demo, captures);
  return { checks: [...reach, ...identity, ...isolation, ...wire.checks], packets: wire.packets };
}

async function measureAll(demo: Demo, seconds: number): Promise<ThroughputResult[]> {
  const measured = demo.tenants.map(async ({ name: tenant }): Promise<ThroughputResult> => {
    const from = find(demo.vms, `${tenant}-a`);
    const to = partnerOf(demo, from);
    const where = { tenant, from: from.name, to: to.name, address: to.shared.v4 };
    try {
      const test = { from: netnsOf(demo, from.name), to: netnsOf(demo, to.name), address: to.shared.v4, seconds };
      return { ...where, ...(await measureThroughput(test)) };
    } catch (error) {
      return { ...where, error: error instanceof Error ? error.message : String(error) };
    }
  });
  return Promise.all(measured);
}

/** Builds the demonstration with its agents, and leaves it running. On failure nothing is left. */
export async function raiseLab(
  demo: Topology,
  { source, onProgress }: Pick<LabRunOptions, 'source' | 'onProgress'>,
): Promise<void> {
  await takeLab('up');
  try {
    await prepare(demo, onProgress);
    const { files } = await openSource(demo, source, { directory: DEMO_DIRECTORY, detached: true, onProgress });
    onProgress('starting the agents');
    await startAgents(files, { detached: true });
  } catch (error) {
    await removeLab();
    throw error;
  }
}
