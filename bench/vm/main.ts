/** The host's side of the VM's benchmark: boots it and keeps what the guest prints (bench/vm/guest.ts). */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { writeJson } from '../lib/session.js';
import { tethered } from '../lib/tethered.js';
import { parseOptions, USAGE } from './options.js';
import type { VmResults } from './results.js';

/** Seconds. An emulated processor needs some eight minutes on a machine that does nothing else. */
const TIMEOUT_S = 3600;

function fromBuild(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** @returns what the guest printed. @throws Error when the VM or the benchmark in it fails */
function runGuest(args: readonly string[]): Promise<string> {
  const guest = ['node', fromBuild('guest.js'), ...args];
  const run = [fromBuild('../../../test/vm/run'), '--timeout', String(TIMEOUT_S), '--', ...guest];
  // SIGTERM: test/vm/run ends qemu.
  const [command = '', ...rest] = tethered(run, 'TERM');
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  const onSignal = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`the benchmark in the VM ended with ${signal ?? `exit code ${code ?? '?'}`}`));
    });
  });
}

if (process.argv.includes('--help')) {
  process.stdout.write(USAGE);
} else {
  const args = process.argv.slice(2);
  const { json } = parseOptions(args);
  const results = JSON.parse(await runGuest(args)) as VmResults;
  if (json !== undefined) writeJson(json, results);
}
