/** Runs commands of segue in separate processes, for requests that need the whole intent or programs. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ProgramError, runProgram } from '../kernel/program.js';
import { busy } from './problem.js';
import type { Ended } from '../kernel/program.js';

const TIMEOUT_MS = 60_000;
/** The bundle has it beside this module. */
const COMMAND_PLACES = ['./main.js', '../../dist/bin/main.js'];

/** @throws Problem (503) if it takes too long, or no process can be started */
export async function runCommand(command: string, args: readonly string[]): Promise<Ended> {
  const argv = [process.execPath, commandFile(), command, ...args];
  const ended = await runProgram(undefined, argv, { timeoutMs: TIMEOUT_MS }).catch((error: unknown) => {
    if (error instanceof ProgramError) throw busy('program', error.message);
    throw error;
  });
  if (ended.signal === undefined) return ended;
  throw busy('timeout', `segue ${command}: expected an answer within ${TIMEOUT_MS / 1000} s`);
}

function commandFile(): string {
  const places = COMMAND_PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(place)) ?? places[0] ?? '';
}
