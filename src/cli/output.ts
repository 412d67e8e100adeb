/** Handles errors of standard output and standard error. */
import { EXIT } from './exit.js';
import { printError } from './print.js';

export function handleOutputErrors(): void {
  // `segue show route | head`: closing the output early is no failure, and the command ends normally.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    printError(`standard output: ${error.message}`);
    process.exit(EXIT.failed);
  });
  // Errors of standard error cannot be reported.
  process.stderr.on('error', () => undefined);
}
