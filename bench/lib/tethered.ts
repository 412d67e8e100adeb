/**
 * A program's arguments so that it gets a signal when the process that started it dies, by SIGKILL of that process too
 * (setpriv(1), PR_SET_PDEATHSIG): a benchmark that is killed leaves no generator behind.
 */
export function tethered(argv: readonly string[], signal: 'KILL' | 'TERM' = 'KILL'): string[] {
  return ['setpriv', '--pdeathsig', signal, ...argv];
}
