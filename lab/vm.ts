import { existsSync } from 'node:fs';
import { startProgram } from '../src/kernel/program.js';
import { VM_RUN } from './paths.js';
import type { SpawnOptions } from 'node:child_process';

/** Exit code of a program that SIGINT ended, as in shells: 128 and the number of the signal. */
const INTERRUPTED = 130;

export function canBootVm(): boolean {
  return existsSync(VM_RUN);
}

/**
 * Runs a command in the VM, with this process's output and errors.
 *
 * @returns its exit code (125: the VM did not boot)
 */
export function runInVm(argv: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    // In a separate session, so that Ctrl-C reaches it only once, through this process; it ends the VM, and this process waits for it.
    const options: SpawnOptions = { stdio: ['ignore', 'inherit', 'inherit'], detached: true };
    const child = startProgram(undefined, [VM_RUN, '--', ...argv], options, reject);
    const forward = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    process.on('SIGINT', forward).on('SIGTERM', forward);
    child.on('close', (status) => {
      process.off('SIGINT', forward).off('SIGTERM', forward);
      resolve(status ?? INTERRUPTED);
    });
  });
}
