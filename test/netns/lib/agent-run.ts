/** An agent in this process, with its log kept for the test to read. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { Agent } from '../../../src/agent/agent.js';
import type { NodeConfig } from '../../../src/intent/types.js';
import type { ChangeText } from '../../../src/reconcile/change.js';
import type { TestNetwork } from './network.js';

/** One line of the agent's log. */
export interface LogLine {
  /** pino's: 30 info, 40 warn, 50 error */
  level: number;
  msg: string;
  /** of performance.now() */
  atMs: number;
  kind?: string;
  object?: string;
  code?: string;
  interfaces?: string[];
  at?: string;
  err?: { message: string; code?: string };
  create?: number;
  replace?: number;
  delete?: number;
}

export interface AgentRunOptions {
  /** default an hour: only notifications count */
  sweepSeconds?: number;
  force?: boolean;
  progressMs?: number;
}

/** How long a test waits for a line of the log, milliseconds; what it asserts is what it measures. */
const PATIENCE_MS = 300_000;

/** It has put something right: what somebody changed, or what follows from interfaces and the underlay. */
const isRepair = ({ msg }: LogLine): boolean =>
  msg === 'repaired' || msg === 'followed a change of interfaces or underlay';

export class AgentRun {
  readonly agent: Agent;
  readonly lines: LogLine[] = [];
  readonly #watchers = new Set<() => void>();

  private constructor(config: NodeConfig, configFile: string, options: AgentRunOptions) {
    const { sweepSeconds = 3600, force = false, progressMs } = options;
    const log = pino(
      { level: 'info' },
      {
        write: (text: string) => {
          this.lines.push({ ...(JSON.parse(text) as Omit<LogLine, 'atMs'>), atMs: performance.now() });
          for (const watcher of [...this.#watchers]) watcher();
        },
      },
    );
    this.agent = new Agent({
      config,
      configFile,
      log,
      sweepSeconds,
      force,
      ...(progressMs !== undefined && { progressMs }),
    });
  }

  /** Starts one on a hypervisor, with the network's files (written unless they are there). */
  static start(network: TestNetwork, name: string, options: AgentRunOptions = {}): Promise<AgentRun> {
    const config = network.config(name);
    if (!existsSync(config.intent)) network.files();
    return AgentRun.startWith(config, join(network.directory, `${name}.yaml`), options);
  }

  /** Starts one; resolves when it has done what the first intent asks for. */
  static async startWith(config: NodeConfig, configFile: string, options: AgentRunOptions = {}): Promise<AgentRun> {
    const run = new AgentRun(config, configFile, options);
    await run.agent.start();
    await run.agent.idle();
    return run;
  }

  /**
   * The first line after a position that a message (or a predicate) fits, as soon as it is there.
   *
   * @throws Error with the log's last lines when none comes in time
   */
  async waitFor(
    wanted: string | ((line: LogLine) => boolean),
    from = 0,
    timeoutMs = PATIENCE_MS,
  ): Promise<{ line: LogLine; next: number }> {
    const fits = typeof wanted === 'string' ? (line: LogLine) => line.msg === wanted : wanted;
    const find = (): { line: LogLine; next: number } | undefined => {
      for (let at = from; at < this.lines.length; at++) {
        const line = this.lines[at];
        if (line !== undefined && fits(line)) return { line, next: at + 1 };
      }
      return undefined;
    };
    const there = find();
    if (there !== undefined) return there;
    return new Promise((resolve, reject) => {
      const watcher = (): void => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        const tail = this.lines.slice(from).slice(-10);
        reject(new Error(`no line ${String(wanted)} in ${timeoutMs} ms; the log has: ${JSON.stringify(tail)}`));
      }, timeoutMs);
      this.#watchers.add(watcher);
    });
  }

  /**
   * Waits until the agent has repaired what was altered.
   *
   * @param diff what still differs; a repair counts when this is nothing
   * @param from lines of the log before what was altered
   * @returns when the last repair was done, of performance.now()
   */
  async repaired(diff: () => Promise<ChangeText[]>, from: number): Promise<number> {
    for (let next = from; ;) {
      const found = await this.waitFor(isRepair, next);
      let last = found.line;
      next = found.next;
      await this.agent.idle();
      for (const line of this.lines.slice(next)) if (isRepair(line)) last = line;
      next = this.lines.length;
      if ((await diff()).length === 0) return last.atMs;
    }
  }

  async stop(): Promise<void> {
    await this.agent.stop();
  }
}
