import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEGUE_COMMAND } from './paths.js';
import { Background } from './process.js';
import type { LabFiles } from './files.js';

/** Time-out of an agent's first convergence in milliseconds: an emulated machine takes 10 s to load it, a busy one minutes. */
const START_TIMEOUT_MS = 400_000;
/** Commands of which a laboratory runs processes. */
const DAEMONS = ['agent', 'feed'];

export interface AgentOptions {
  /** agents keep running when this process ends */
  detached?: boolean;
}

/**
 * Starts a `segue agent` for each hypervisor, and waits until each has converged on the intent. They stay in this process's network namespace:
 * `netns` of the node file names the one to work in. Their logs are beside their files.
 *
 * @throws Error with the agent's message if one ends early; the others are stopped
 */
export async function startAgents(
  files: LabFiles,
  { detached = false }: AgentOptions = {},
): Promise<Map<string, Background>> {
  const agents = new Map<string, Background>();
  try {
    for (const [name, path] of files.nodes) {
      const argv = [process.execPath, SEGUE_COMMAND, 'agent', '-c', path];
      agents.set(name, new Background(undefined, argv, { log: join(files.directory, `${name}.log`), detached }));
    }
    await Promise.all([...agents.values()].map((agent) => agent.waitFor(/converged on the intent/, START_TIMEOUT_MS)));
    if (detached) for (const agent of agents.values()) agent.release();
    return agents;
  } catch (error) {
    await stopAll(agents.values());
    throw error;
  }
}

/** Stops several programs concurrently. */
export async function stopAll(programs: Iterable<Background>): Promise<void> {
  await Promise.all([...programs].map((program) => program.stop()));
}

/** Process ids of all agents and feeds whose node or fleet file is in a directory. */
export function findDaemons(directory: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid) || pid === process.pid) return false;
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return DAEMONS.some((name) => argv.includes(name)) && argv.some((word) => word.startsWith(`${directory}/`));
      } catch {
        return false; // gone meanwhile
      }
    });
}
