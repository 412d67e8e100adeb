/** What becomes of output that cannot be written. */
import { EXIT } from './exit.js';
import { printError } from './print.js';

export function handleOutputErrors(): void {
  // `segue show route | head`: who reads no further is no failure, and the command ends as it would have.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    printError(`standard output: ${error.message}`);
    process.exit(EXIT.failed);
  });
  // Nobody can be told that standard error cannot be written.
  process.stderr.on('error', () => undefined);
}
