/**
 * A program's arguments so that it gets a signal when the process that started it dies, by SIGKILL of that process too
 * (setpriv(1), PR_SET_PDEATHSIG): a benchmark that is killed leaves no generator behind.
 */
export function tethered(argv: readonly string[], signal: 'KILL' | 'TERM' = 'KILL'): string[] {
  return ['setpriv', '--pdeathsig', signal, ...argv];
}

/** A program's arguments so that it runs on one CPU, taskset(1). */
export function onCpu(cpu: number, argv: readonly string[]): string[] {
  return ['taskset', '-c', String(cpu), ...argv];
}
