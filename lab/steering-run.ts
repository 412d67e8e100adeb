/** Runs the demonstration of steering, from building to removing it. */
import { mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgents, stopAll } from './agents.js';
import { DEMO_DIRECTORY } from './demo.js';
import { LongConnection } from './long-connection.js';
import { probeAll } from './probe.js';
import { prepare } from './run.js';
import { openSource } from './source.js';
import { removeLab, takeLab } from './state.js';
import { GatewayCapture, nodesOf, openingLegs } from './steering-flows.js';
import { askAll, questionsOf, Services } from './steering-matrix.js';
import { measureThroughput } from './throughput.js';
import { find, netnsOf, sidOf, sourceOf } from './topology.js';
import type { Background } from './process.js';
import type { Check, ThroughputResult, WirePacket } from './report.js';
import type { LabRunOptions } from './run.js';
import type { LabSource } from './source.js';
import type { SteeringDemo } from './steering.js';
import type { Share, SteeringReport } from './steering-report.js';
import type { LabVm } from './topology.js';

/** Connections by which shares of network nodes are measured. */
const CONNECTIONS = 60;
const PROBE_SECONDS = 2;
/** Time-out of agents following the intent file, in milliseconds: an emulated machine is slow. */
const FOLLOW_MS = 300_000;
/** A port of blue that red may use, for the long connection. */
const LONG_PORT = 8001;
const WEB_PORT = 80;

/** Builds the demonstration, runs the checks, and removes it, even after a failure or a signal. */
export async function runSteering(demo: SteeringDemo, options: LabRunOptions): Promise<SteeringReport> {
  const { seconds, onProgress } = options;
  const started = performance.now();
  await takeLab('run');
  let agents = new Map<string, Background>();
  let services: Services | undefined;
  let source: LabSource | undefined;
  try {
    await prepare(demo, onProgress);
    source = await openSource(demo, options.source, { ...options, directory: DEMO_DIRECTORY });
    onProgress('starting an agent for each hypervisor and network node');
    const agentsStarted = performance.now();
    agents = await startAgents(source.files);
    const agentsMs = performance.now() - agentsStarted;
    const directory = join(DEMO_DIRECTORY, 'captures');
    mkdirSync(directory, { recursive: true });
    services = new Services(demo);
    onProgress('probing all pairs by TCP, UDP and ping, over IPv4 and IPv6');
    const reached = await askAll(demo, questionsOf(demo));
    onProgress('opening a connection, with a capture on the underlay');
    const wire = await tryWire(demo, directory);
    const drain = await tryDrain(demo, directory, source, onProgress);
    onProgress(`running iperf3 from red to blue, ${seconds} s`);
    const throughput = await measure(demo, seconds);
    return {
      kernel: release(),
      virtualMachine: process.env.SEGUE_VM === '1',
      source: options.source,
      agentsMs,
      reached,
      ...wire,
      ...drain,
      throughput,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await services?.close();
    await stopAll(agents.values());
    await source?.close();
    await removeLab();
  }
}

/** The endpoints of the following checks. */
function pair(demo: SteeringDemo): { from: LabVm; to: LabVm; v4: string; v6: string } {
  const to = find(demo.vms, 'blue-b');
  const [v4 = '', v6 = ''] = to.addresses;
  return { from: find(demo.vms, 'red-a'), to, v4, v6 };
}

async function tryWire(demo: SteeringDemo, directory: string): Promise<{ packets: WirePacket[]; wireChecks: Check[] }> {
  const { from, to, v4, v6 } = pair(demo);
  const capture = await GatewayCapture.start(demo, directory, 'wire');
  await probeAll(
    netnsOf(demo, from.name),
    [v4, v6].map((address) => ({ address, protocol: 'tcp', port: WEB_PORT })),
    PROBE_SECONDS,
  );
  const captured = await capture.stop();
  const packets: WirePacket[] = [];
  const wireChecks: Check[] = [];
  for (const family of [4, 6] as const) {
    const legs = openingLegs(captured, from, family);
    const node = nodesOf(demo, from, legs).values().next().value ?? 'nn1';
    const [here, there] = [find(demo.nodes, from.node), find(demo.nodes, to.node)];
    const between = find(demo.nodes, node);
    const wanted = [
      { title: `SYN, ${from.node} to ${node}`, source: here, sid: sidOf(demo, node, from.tenant) },
      { title: `SYN, ${node} to ${to.node}`, source: between, sid: sidOf(demo, to.node, to.tenant) },
      { title: `SYN ACK, ${to.node} to ${node}`, source: there, sid: sidOf(demo, node, to.tenant) },
      { title: `SYN ACK, ${node} to ${from.node}`, source: between, sid: sidOf(demo, from.node, from.tenant) },
    ];
    for (const [index, { title, source, sid }] of wanted.entries()) {
      const leg = legs[index];
      const expected = `${sourceOf(source)} > ${sid}`;
      const seen = leg === undefined ? 'not captured' : `${leg.outerSource} > ${leg.outerDestination}`;
      const what = `IPv${family} ${title}`;
      wireChecks.push({ group: 'wire', from: from.name, to: to.name, what, expected, seen, ok: seen === expected });
      if (leg !== undefined && family === 4) packets.push({ title, headers: leg.packet.headers });
    }
  }
  return { packets, wireChecks };
}

/** Counts connections by network node; then drains a node while one of its connections continues. */
async function tryDrain(
  demo: SteeringDemo,
  directory: string,
  source: LabSource,
  onProgress: LabRunOptions['onProgress'],
): Promise<Pick<SteeringReport, 'before' | 'after' | 'long' | 'drained'>> {
  const { from, to, v4 } = pair(demo);
  onProgress(`opening ${CONNECTIONS} connections, before and after the network node of an open one drains`);
  const capture = await GatewayCapture.start(demo, directory, 'long');
  const long = await LongConnection.open(netnsOf(demo, from.name), netnsOf(demo, to.name), v4, LONG_PORT);
  try {
    const [drained = ''] = nodesOf(demo, from, await capture.stop()).values();
    const before = await shares(demo, directory, from, v4);
    for (const node of demo.nodes) if (node.name === drained) node.drain = true;
    const answered = long.answers;
    await source.update();
    let after = before;
    for (const end = performance.now() + FOLLOW_MS; performance.now() < end;) {
      after = await shares(demo, directory, from, v4);
      if (after.every(({ node, connections }) => node !== drained || connections === 0)) break;
    }
    await sleep(1000);
    return { before, after, drained, long: { answers: long.answers - answered, broken: long.isBroken } };
  } finally {
    await long.close();
  }
}

async function shares(demo: SteeringDemo, directory: string, from: LabVm, address: string): Promise<Share[]> {
  const capture = await GatewayCapture.start(demo, directory, 'shares');
  const probes = Array.from({ length: CONNECTIONS }, () => ({ address, protocol: 'tcp', port: WEB_PORT }) as const);
  const answers = await probeAll(netnsOf(demo, from.name), probes, PROBE_SECONDS);
  const nodes = [...nodesOf(demo, from, await capture.stop()).values()];
  const names = demo.gateways?.flatMap((gateway) => gateway.nodes) ?? [];
  const answered = answers.filter((one) => one !== undefined).length;
  return names.map((node) => ({
    node,
    connections: nodes.filter((one) => one === node).length,
    answered,
    opened: CONNECTIONS,
  }));
}

async function measure(demo: SteeringDemo, seconds: number): Promise<ThroughputResult> {
  const { from, to, v4: address } = pair(demo);
  const where = { tenant: `${from.tenant} to ${to.tenant}`, from: from.name, to: to.name, address };
  try {
    const test = { from: netnsOf(demo, from.name), to: netnsOf(demo, to.name), address, seconds, port: LONG_PORT };
    return { ...where, ...(await measureThroughput(test)) };
  } catch (error) {
    return { ...where, error: error instanceof Error ? error.message : String(error) };
  }
}
