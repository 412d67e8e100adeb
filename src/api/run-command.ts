/** What takes the whole intent, or programs: a command of segue in a process of its own. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../kernel/program.js';
import { busy } from './problem.js';
import type { Ended } from '../kernel/program.js';

const TIMEOUT_MS = 60_000;
/** The bundle has it beside this module. */
const COMMAND_PLACES = ['./main.js', '../../dist/bin/main.js'];

/** @throws Problem (503) where it takes too long; ProgramError where it cannot be started */
export async function runCommand(command: string, args: readonly string[]): Promise<Ended> {
  const ended = await runProgram(undefined, [process.execPath, commandFile(), command, ...args], {
    timeoutMs: TIMEOUT_MS,
  });
  if (ended.signal === undefined) return ended;
  throw busy('timeout', `segue ${command}: expected an answer within ${TIMEOUT_MS / 1000} s`);
}

function commandFile(): string {
  const places = COMMAND_PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(place)) ?? places[0] ?? '';
}
