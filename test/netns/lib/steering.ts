/** What tests of steering between tenants share. */
import { writeFileSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { diffOnce } from '../../../src/agent/apply.js';
import { Instance } from '../../../src/agent/instance.js';
import { stopAll } from '../../../lab/agents.js';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { intentText } from '../../../lab/files.js';
import { Background } from '../../../lab/process.js';
import { intentOf, segueNodes } from '../../../lab/topology.js';
import { key } from '../../../lab/steering-matrix.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';
import type { Reached } from '../../../lab/steering-matrix.js';
import type { Topology } from '../../../lab/topology.js';
import type { TestNetwork } from './network.js';
import { scopeTo } from '../../../src/app/intent.js';

/** native/steady.c */
export const STEADY = fileURLToPath(new URL('../../../build/native/steady', import.meta.url));
/** native/seqflow.c */
export const SEQFLOW = fileURLToPath(new URL('../../../build/native/seqflow', import.meta.url));
/** How long a test waits for what must come, milliseconds; nothing is measured by it. */
const PATIENCE_MS = 300_000;
const POLL_MS = 50;

/** What is not as the policies say, in words. */
export function wrongOf(reached: readonly Reached[]): string[] {
  return reached
    .filter(({ ok }) => !ok)
    .map((one) => `${key(one)}: expected ${wanted(one)}, seen ${one.seen ?? 'silence'}`);
}

function wanted({ expected = 'silence', policy }: Reached): string {
  return policy === undefined ? expected : `${expected} by ${policy}`;
}

/** Polls until something holds. @throws Error saying what did not come */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = PATIENCE_MS,
): Promise<void> {
  for (const end = performance.now() + timeoutMs; !(await holds()); await sleep(POLL_MS)) {
    if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
  }
}

/** One agent a node, as processes of their own (dist/), which a test kills and starts. */
export class Agents {
  readonly #network: TestNetwork;
  readonly #all = new Map<string, Background>();
  #starts = 0;

  private constructor(network: TestNetwork) {
    this.#network = network;
  }

  static async start(network: TestNetwork): Promise<Agents> {
    const agents = new Agents(network);
    network.files();
    await Promise.all(segueNodes(network.topology).map(({ name }) => agents.startOne(name)));
    return agents;
  }

  async startOne(name: string): Promise<void> {
    const argv = [process.execPath, SEGUE_COMMAND, 'agent', '-c', `${this.#network.directory}/${name}.yaml`];
    const log = `${this.#network.directory}/${name}-${++this.#starts}.log`;
    const agent = new Background(undefined, argv, { log });
    this.#all.set(name, agent);
    await agent.waitFor(/converged on the intent/, PATIENCE_MS);
  }

  /** kill -9 */
  async kill(name: string): Promise<void> {
    await this.#all.get(name)?.stop('SIGKILL');
  }

  /** Writes another intent, as an orchestrator would, and waits until every node is as it says. */
  async follow(topology: Topology): Promise<void> {
    const path = `${this.#network.directory}/intent.yaml`;
    writeFileSync(`${path}.new`, intentText(topology));
    renameSync(`${path}.new`, path);
    const intent = intentOf(topology);
    for (const { name } of segueNodes(topology)) {
      await until(
        `${name} follows the intent`,
        async () => (await differences(this.#network.config(name), intent)) === 0,
      );
    }
  }

  stop(): Promise<void> {
    return stopAll(this.#all.values());
  }
}

/** What `segue diff` would count: by a hold on the kernel of its own, as the agent's writes are none of a longer one's. */
async function differences(config: NodeConfig, intent: Intent): Promise<number> {
  const instance = new Instance(config);
  try {
    return (await diffOnce(instance, scopeTo(intent, config.node))).changes.length;
  } finally {
    instance.close();
  }
}

/** What one end of a steady connection saw. */
export interface SteadyEnd {
  sent: number;
  received: number;
  seconds: number;
  /** longest, milliseconds */
  silence: number;
  broken: string | null;
}

/** Records each end must have got since it was asked. */
const PROGRESS = 50;

/** A TCP connection on which both ends send all along (native/steady.c). */
export class SteadyConnection {
  readonly #ends: readonly [Background, Background];

  private constructor(ends: readonly [client: Background, server: Background]) {
    this.#ends = ends;
  }

  static async open(
    network: TestNetwork,
    from: string,
    to: string,
    address: string,
    port: number,
  ): Promise<SteadyConnection> {
    const flags = ['-p', String(port), '-i', '10'];
    const server = new Background(network.netns(to), [STEADY, 'serve', ...flags]);
    await server.waitFor(/listening/, PATIENCE_MS);
    const client = new Background(network.netns(from), [STEADY, 'connect', '-a', address, ...flags]);
    const connection = new SteadyConnection([client, server]);
    await client.waitFor(/connected/, PATIENCE_MS);
    return connection;
  }

  /** Waits until both ends have got as much again. @throws Error when one does not */
  async goesOn(timeoutMs = PATIENCE_MS): Promise<void> {
    for (const [index, end] of this.#ends.entries()) {
      const who = index === 0 ? 'client' : 'server';
      const before = await this.#received(end);
      await until(`the ${who} hears on`, async () => (await this.#received(end)) >= before + PROGRESS, timeoutMs);
    }
  }

  async #received(end: Background): Promise<number> {
    const before = end.output.length;
    end.child.kill('SIGUSR1');
    await until('an answer of steady', () => {
      if (end.hasEnded) throw new Error(`the connection ended: ${end.output.trim()}`);
      return end.output.endsWith('\n') && end.output.length > before;
    });
    return Number(/{"received":(\d+)}\n$/.exec(end.output)?.[1] ?? 0);
  }

  /** Ends it; the server hears that it is closed. */
  async close(): Promise<[client: SteadyEnd, server: SteadyEnd]> {
    const [client, server] = this.#ends;
    await client.stop();
    await Promise.race([server.wait(), sleep(10_000)]);
    await server.stop();
    return [lastLine(client.output), lastLine(server.output)];
  }
}

function lastLine(text: string): SteadyEnd {
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as SteadyEnd;
}
