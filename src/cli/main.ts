import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { IntentError } from '../intent/errors.js';
import { addAgentCommand } from './agent.js';
import { addCaptureCommand } from './capture.js';
import { addConvergeCommands } from './converge.js';
import { addDoctorCommand } from './doctor.js';
import { CommandError, EXIT } from './exit.js';
import { addLabCommand } from './lab.js';
import { addMonitorCommand } from './monitor.js';
import { complain } from './print.js';
import { addShowCommand } from './show.js';
import { addTraceCommand } from './trace.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('segue')
  .description('SRv6 overlay for hypervisors: a VRF per tenant, seg6 encapsulation, End.DT4/DT6/DT46')
  .version(version)
  .showHelpAfterError('(segue --help tells the commands and options)')
  .configureOutput({
    outputError: (text, write) => {
      write(`segue: ${text}`);
    },
  })
  .exitOverride();

addConvergeCommands(program);
addAgentCommand(program);
addLabCommand(program);
addShowCommand(program);
addTraceCommand(program);
addMonitorCommand(program);
addCaptureCommand(program);
addDoctorCommand(program);

// `segue show route | head`: who reads no further is no failure, and the command ends as it would have.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeFor(error);
}

/** Says what went wrong, once, and what the command ends with. */
function exitCodeFor(error: unknown): number {
  if (isCommanderError(error)) return error.exitCode === 0 ? EXIT.ok : EXIT.badInput;
  if (error instanceof IntentError) {
    complain(`${error.issues.length} error${error.issues.length === 1 ? '' : 's'}, nothing was touched`);
    process.stderr.write(`${error.message}\n`);
    return EXIT.badInput;
  }
  if (error instanceof CommandError) {
    complain(error.message);
    return error.exitCode;
  }
  complain(error instanceof Error ? error.message : String(error));
  if (process.env.SEGUE_DEBUG !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return EXIT.failed;
}

/** Commander has printed its message already. */
function isCommanderError(error: unknown): error is { exitCode: number } {
  return (
    error instanceof Error && 'exitCode' in error && String((error as { code?: unknown }).code).startsWith('commander.')
  );
}
