import { handleOutputErrors } from './output.js';
import { printVersion, VERSION_WORDS } from './version.js';

handleOutputErrors();
// Commands take a third of a second to load: who asks for the version alone does not wait for them.
const [first = '', ...rest] = process.argv.slice(2);
if (rest.length === 0 && VERSION_WORDS.includes(first)) printVersion();
else await import('./program.js');
