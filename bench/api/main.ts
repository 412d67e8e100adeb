/**
 * How long the agent's event loop is held while its API streams: idle, and with three readers of a long answer and three of events, in turn.
 * `node build/bench/api/main.js --help`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SEGUE_COMMAND } from '../../lab/paths.js';
import { Background } from '../../lab/process.js';
import { runDirectory } from '../../src/agent/run-directory.js';
import { SOCKET_FILE } from '../../src/api/protocol.js';
import { makeStand } from '../entries/stand.js';
import { UPLINK } from '../entries/node.js';
import { numberOption } from '../lib/options.js';
import { session } from '../lib/session.js';
import { tell } from '../lib/tell.js';
import { intentFile, makeIntent, SELF } from '../lib/workload.js';
import type { AgentState } from '../../src/agent/telemetry.js';

const USAGE = `usage: node build/bench/api/main.js [options]
  --ports N    remote ports (100000)        --rounds N   rounds, both settings in each (3)
  --seconds N  duration of a measurement (10)
`;
const TENANTS = 256;
const NODES = 1000;
const READERS = 3;
const CONVERGE_MS = 600_000;

type ProcessState = AgentState['process'];

/** Reads an answer to its end, or until it is aborted. @returns its bytes */
function read(path: string, signal?: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const socketPath = join(runDirectory(SELF), SOCKET_FILE);
    let bytes = 0;
    const asked = request({ socketPath, path, agent: false, ...(signal && { signal }) }, (answer) => {
      answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
      answer.on('close', () => {
        resolve(bytes);
      });
      answer.on('error', () => undefined);
    });
    asked.on('error', (error) => {
      if (signal?.aborted === true) resolve(bytes);
      else reject(error);
    });
    asked.end();
  });
}

async function processState(): Promise<ProcessState> {
  const socketPath = join(runDirectory(SELF), SOCKET_FILE);
  const text = await new Promise<string>((resolve, reject) => {
    const asked = request({ socketPath, path: '/v1/status', agent: false }, (answer) => {
      let found = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (found += chunk));
      answer.on('end', () => {
        resolve(found);
      });
    });
    asked.on('error', reject);
    asked.end();
  });
  return (JSON.parse(text) as AgentState).process;
}

interface Held {
  /** By the clock: on a machine that does other things, too, what these take is in it. */
  delay: ProcessState['loopDelay'];
  /** Of the agent, while it lasted: what it does not use, it does not hold its loop with. */
  cpuMs: number;
  /** Of long answers. */
  bytes: number;
}

async function measure(seconds: number, streams: boolean): Promise<Held> {
  // Each question begins the measurement of the loop anew.
  const before = await processState();
  const ends = new AbortController();
  const deadline = performance.now() + seconds * 1000;
  let bytes = 0;
  const readRoutes = async (): Promise<void> => {
    while (performance.now() < deadline) bytes += await read('/v1/routes', ends.signal);
  };
  const readers = streams ? Array.from({ length: READERS }, () => [readRoutes(), read('/v1/events', ends.signal)]) : [];
  await sleep(seconds * 1000);
  const { loopDelay: delay, cpuSeconds } = await processState();
  ends.abort();
  await Promise.all(readers.flat());
  return { delay, cpuMs: (cpuSeconds - before.cpuSeconds) * 1000, bytes };
}

await session(async (names) => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { ports: text, rounds: text, seconds: text, help: { type: 'boolean' } } });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const remotePorts = numberOption('ports', values.ports, 100_000);
  const rounds = numberOption('rounds', values.rounds, 3);
  const seconds = numberOption('seconds', values.seconds, 10);
  const directory = mkdtempSync(join(tmpdir(), 'segue-bench-api-'));
  const intent = makeIntent({ remotePorts, tenants: TENANTS, nodes: NODES, placement: 'dealt' });
  const netns = await makeStand(names.prefix, intent.sidBlock, []);
  const file = join(directory, 'node.json');
  const node = { node: SELF, netns, uplinks: [UPLINK], dataplane: 'ebpf', xdp: 'never', intent: 'intent.json' };
  writeFileSync(join(directory, 'intent.json'), intentFile(intent));
  writeFileSync(file, JSON.stringify(node));
  const agent = new Background(undefined, [SEGUE_COMMAND, 'agent', '-c', file]);
  try {
    await agent.waitFor(/converged on the intent/, CONVERGE_MS);
    await agent.waitFor(/API: listening/, CONVERGE_MS);
    for (let round = 1; round <= rounds; round++) {
      for (const streams of [false, true]) {
        const { delay, cpuMs, bytes } = await measure(seconds, streams);
        const ms = (value: number): string => (value * 1000).toFixed(1);
        const what = streams ? `${READERS} streams of each, ${(bytes / 1e6).toFixed(0)} MB` : 'idle';
        const held = `p50 ${ms(delay.p50)}, p99 ${ms(delay.p99)}, max ${ms(delay.max)} ms`;
        tell(`api: ${what}: event loop delay ${held}; ${cpuMs.toFixed(0)} ms of CPU time in ${seconds} s`);
      }
    }
  } finally {
    await agent.stop();
    rmSync(directory, { recursive: true, force: true });
    rmSync(runDirectory(SELF), { recursive: true, force: true });
  }
});
