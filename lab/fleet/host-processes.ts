/** The simulation's side of the processes that run nodes. */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { addLatency, newLatency } from '../../src/fleet/status/latency.js';
import type { ChildProcess } from 'node:child_process';
import type { FromHost, HostedNode, HostState } from './messages.js';

const HEAP_MIB = 8192;
/** The bundle has the process beside its first module. From the sources, the built one is used. */
const PLACES = ['./node-host.js', '../../dist/lab/node-host.js'];

export class HostProcesses {
  readonly #children: ChildProcess[];
  readonly #waiting = new Map<number, (state: HostState) => void>();
  #id = 0;

  constructor(count: number) {
    const places = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
    const file = places.find((place) => existsSync(place)) ?? '';
    this.#children = Array.from({ length: count }, () => {
      const child = fork(file, [], { execArgv: [`--max-old-space-size=${HEAP_MIB}`] });
      child.on('message', ({ id, state }: FromHost) => this.#waiting.get(id)?.(state));
      return child;
    });
  }

  get pids(): number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  /** Distributes nodes to the processes. */
  start(nodes: readonly HostedNode[], feeds: string[], directory: string): void {
    this.#children.forEach((child, at) => {
      const own = nodes.filter((_, n) => n % this.#children.length === at);
      child.send({ type: 'start', nodes: own, feeds, directory });
    });
  }

  /** @param byCertificate discards the TLS sessions */
  reconnect(byCertificate: boolean): void {
    for (const child of this.#children) child.send({ type: 'reconnect', byCertificate });
  }

  async state(): Promise<HostState> {
    const states = await Promise.all(this.#children.map((child) => this.#ask(child)));
    const sum: HostState = {
      ...{ started: 0, complete: 0, sequences: {}, lastCompleteMs: 0, latency: newLatency(), errors: [], ports: 0 },
      ...{ streams: 0, lastStreamMs: 0, resumed: 0 },
    };
    for (const one of states) {
      sum.started += one.started;
      sum.complete += one.complete;
      sum.ports += one.ports;
      sum.streams += one.streams;
      sum.resumed += one.resumed;
      sum.lastStreamMs = Math.max(sum.lastStreamMs, one.lastStreamMs);
      sum.lastCompleteMs = Math.max(sum.lastCompleteMs, one.lastCompleteMs);
      addLatency(sum.latency, one.latency);
      sum.errors.push(...one.errors);
      for (const [sequence, count] of Object.entries(one.sequences))
        sum.sequences[sequence] = (sum.sequences[sequence] ?? 0) + count;
    }
    return sum;
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  #ask(child: ChildProcess): Promise<HostState> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      if (child.exitCode !== null || child.signalCode !== null)
        return reject(new Error('a process with nodes has ended'));
      const ended = (): void => {
        reject(new Error('a process with nodes has ended'));
      };
      child.once('exit', ended);
      this.#waiting.set(id, (state) => {
        this.#waiting.delete(id);
        child.off('exit', ended);
        resolve(state);
      });
      child.send({ type: 'ask', id });
    });
  }
}
