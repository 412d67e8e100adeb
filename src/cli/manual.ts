import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument } from 'commander';
import { completionScript, SHELLS } from './manual/completion.js';
import { shapeOf } from './manual/commands.js';
import { manualPages } from './manual/page.js';
import { readVersion } from '../agent/version.js';
import { makeFolders } from '../kernel/make-folders.js';
import type { Command } from 'commander';
import type { Shell } from './manual/completion.js';

/** `completion`, and `man`, which is used to build packages: both are generated from the definitions of the commands. */
export function addManualCommands(program: Command): void {
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: Shell) => {
      process.stdout.write(completionScript(shell, shapeOf(program)));
    });
  program
    .command('man', { hidden: true })
    .description('write the manual pages into a directory')
    .argument('<directory>', 'made if it does not exist')
    .action((directory: string) => {
      makeFolders(directory);
      for (const [file, text] of manualPages(shapeOf(program), readVersion()))
        writeFileSync(join(directory, file), text);
    });
}
