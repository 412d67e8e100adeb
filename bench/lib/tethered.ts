/**
 * A program's arguments so that it dies with the process that starts it, by SIGKILL of that process too (setpriv(1),
 * PR_SET_PDEATHSIG): a benchmark that is killed leaves no generator behind.
 */
export function tethered(argv: readonly string[]): string[] {
  return ['setpriv', '--pdeathsig', 'KILL', ...argv];
}
