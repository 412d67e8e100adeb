/** What commands that only show know of the intent. */
import { runDirectory } from '../agent/instance.js';
import { readIntentCopy } from '../agent/intent-copy.js';
import { checkNodeInIntent } from '../intent/load.js';
import { fileSignature } from '../intent/signature.js';
import { readConfig, readInputs } from './inputs.js';
import { printError } from './print.js';
import type { Intent } from '../intent/types.js';
import type { IntentOptions } from './node-options.js';

export interface ShownIntent {
  /** Without the ports on other nodes where there is a copy of the file (intent-copy.ts); undefined: it cannot be read. */
  intent: Intent | undefined;
  nodeOfPort: (name: string) => string | undefined;
}

/** The node's part of the intent, from the copy if there is one; when it cannot be read, standard error says why. */
export function intentIfReadable(options: IntentOptions): ShownIntent {
  let whole: Intent | undefined;
  const nodeOfPort = (name: string): string | undefined => {
    whole ??= wholeIfReadable(options);
    return whole?.ports.find((port) => port.name === name)?.node;
  };
  try {
    const config = readConfig(options);
    const copy = readIntentCopy(runDirectory(config.node), config, fileSignature(config.intent));
    if (copy !== undefined) {
      checkNodeInIntent(config, copy, options.config);
      return { intent: copy, nodeOfPort };
    }
  } catch {
    // What is wrong with the files is said below.
  }
  whole = wholeIfReadable(options);
  return { intent: whole, nodeOfPort };
}

function wholeIfReadable(options: IntentOptions): Intent | undefined {
  try {
    return readInputs(options).intent;
  } catch (error) {
    const [first] = error instanceof Error ? error.message.split('\n') : [String(error)];
    printError(`names are the kernel's alone, the intent cannot be used: ${first ?? ''}`);
    return undefined;
  }
}
