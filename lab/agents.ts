import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEGUE_COMMAND } from './paths.js';
import { Background } from './process.js';
import type { LabFiles } from './files.js';

/** How long an agent may take to its first convergence, milliseconds: an emulated machine needs 10 s to load it, a busy one minutes. */
const START_TIMEOUT_MS = 400_000;

export interface AgentOptions {
  /** they go on when this process ends */
  detached?: boolean;
}

/**
 * Starts one `segue agent` a hypervisor, and waits until each has converged on the intent. They stay in this process's
 * network namespace: the node file's `netns` says where they work. Their logs are beside their files.
 *
 * @throws Error with the agent's own words when it ends before; the others are stopped
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

/** Stops programs, all at once. */
export async function stopAll(programs: Iterable<Background>): Promise<void> {
  await Promise.all([...programs].map((program) => program.stop()));
}

/** Process ids of agents whose node file lies in a directory, whoever started them. */
export function findAgents(directory: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid) || pid === process.pid) return false;
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return argv.includes('agent') && argv.some((word) => word.startsWith(`${directory}/`));
      } catch {
        return false; // gone meanwhile
      }
    });
}
