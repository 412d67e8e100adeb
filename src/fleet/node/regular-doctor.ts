/** Runs `segue doctor` regularly in a separate process, for the node's status. */
import { runProgram } from '../../kernel/program.js';
import { doctorFacts } from './agent-facts.js';
import type { Diagnosis } from '../../observe/doctor/types.js';
import type { NodeStatus } from '../status/node-status.js';

/** The first run comes after the agent's own start. Each run costs about a second of CPU time. In milliseconds. */
const FIRST_MS = 60_000;
const EVERY_MS = 600_000;
const JITTER = 0.2;
const TIMEOUT_MS = 60_000;

export class RegularDoctor {
  readonly #command: string;
  readonly #configFile: string;
  /** The last result; null: not run yet, or it could not be run. */
  found: NodeStatus['doctor'] = null;

  /** @param command the program that runs the agent */
  constructor(command: string, configFile: string) {
    this.#command = command;
    this.#configFile = configFile;
  }

  start(): void {
    this.#after(FIRST_MS);
  }

  #after(ms: number): void {
    setTimeout(() => void this.#run(), ms * (1 - JITTER + 2 * JITTER * Math.random())).unref();
  }

  async #run(): Promise<void> {
    const argv = [process.execPath, this.#command, 'doctor', '-j', '-c', this.#configFile];
    try {
      const { stdout } = await runProgram(undefined, argv, { timeoutMs: TIMEOUT_MS });
      this.found = doctorFacts(JSON.parse(stdout) as Diagnosis, Date.now());
    } catch {
      // A failed run yields no result: an older one would be taken for the present state.
      this.found = null;
    }
    this.#after(EVERY_MS);
  }
}
