/** Progress of a long run, on standard error: seconds since the start, then a line. */
const started = performance.now();

export function tell(text: string): void {
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);
}
