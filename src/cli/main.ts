import { EXIT } from './exit.js';
import { koffiFault } from './koffi-file.js';
import { handleOutputErrors } from './output.js';
import { printVersion, VERSION_WORDS } from './version.js';

handleOutputErrors();
// Commands take a third of a second to load, which printing the version does not need.
const [first = '', ...rest] = process.argv.slice(2);
if (rest.length === 0 && VERSION_WORDS.includes(first)) printVersion();
else {
  const fault = koffiFault();
  if (fault === undefined) await import('./program.js');
  else {
    process.stderr.write(`segue: ${fault}\n`);
    process.exitCode = EXIT.failed;
  }
}
