import { Command, Option } from 'commander';
import { IntentError } from '../intent/errors.js';
import { addAgentCommand } from './agent.js';
import { addCaptureCommand } from './capture.js';
import { addConvergeCommands } from './converge.js';
import { addDoctorCommand } from './doctor.js';
import { addEdgeCommand } from './edge.js';
import { CommandError, EXIT } from './exit.js';
import { addFeedCommand } from './feed.js';
import { addFleetCommands } from './fleet.js';
import { addInitCommand } from './init.js';
import { addIntentCommand } from './intent.js';
import { koffiError } from './koffi-file.js';
import { addLabCommand } from './lab.js';
import { addManualCommands } from './manual.js';
import { addDnsCommand } from './dns.js';
import { addMetadataCommand } from './metadata.js';
import { addMetricsCommand } from './metrics.js';
import { addMonitorCommand } from './monitor.js';
import { errorLine, printError } from './print.js';
import { addReportCommand } from './report.js';
import { addShowCommand } from './show.js';
import { addTraceCommand } from './trace.js';
import { readVersion } from '../agent/version.js';
import { printVersion } from './version.js';

const program = new Command('segue')
  .description('SRv6 overlay for hypervisors: VRF and seg6 of the kernel, with an eBPF fast path')
  .version(readVersion(), '-v, --version', 'print the version')
  .addOption(new Option('-V').hideHelp())
  .on('option:V', () => {
    printVersion();
    process.exit();
  })
  .showHelpAfterError('(see segue --help)')
  .configureOutput({
    // The message repeats what was typed; the hint names an option or a command.
    outputError: (text, write) => {
      const [, message = text, hint = ''] = /^(.*?)(\n\(Did you mean [^\n]*)?\n$/s.exec(text) ?? [];
      write(`${errorLine(message)}${hint}\n`);
    },
  })
  .exitOverride();

program.command('version').description('print the version').action(printVersion);
addConvergeCommands(program);
addAgentCommand(program);
addEdgeCommand(program);
addInitCommand(program);
addIntentCommand(program);
addFeedCommand(program);
addFleetCommands(program);
addLabCommand(program);
addShowCommand(program);
addTraceCommand(program);
addMonitorCommand(program);
addCaptureCommand(program);
addDoctorCommand(program);
addMetadataCommand(program);
addDnsCommand(program);
addMetricsCommand(program);
addReportCommand(program);
addManualCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeFor(error);
}

/** Prints an error once, and returns the exit code. */
function exitCodeFor(error: unknown): number {
  if (isCommanderError(error)) return error.exitCode === 0 ? EXIT.ok : EXIT.badInput;
  if (error instanceof IntentError) {
    printError(`${error.issues.length} error${error.issues.length === 1 ? '' : 's'}, nothing was changed`);
    process.stderr.write(`${error.message}\n`);
    return EXIT.badInput;
  }
  if (error instanceof CommandError) {
    printError(error.message);
    return error.exitCode;
  }
  printError(koffiError(error) ?? (error instanceof Error ? error.message : String(error)));
  if (process.env.SEGUE_DEBUG !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return EXIT.failed;
}

/** Commander has already printed its message. */
function isCommanderError(error: unknown): error is { exitCode: number } {
  return (
    error instanceof Error && 'exitCode' in error && String((error as { code?: unknown }).code).startsWith('commander.')
  );
}
