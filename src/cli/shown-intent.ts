/** The intent for commands that only read. */
import { runDirectory } from '../agent/instance.js';
import { readIntentCopy } from '../agent/intent-copy.js';
import { fileSignature } from '../intent/signature.js';
import { readConfig, readInputs } from './inputs.js';
import { printError } from './print.js';
import type { Intent } from '../intent/types.js';
import type { IntentOptions } from './node-options.js';
import { checkNodeInIntent } from '../app/intent.js';

export interface ShownIntent {
  /** Lacks ports on other nodes if it comes from a copy of the file (intent-copy.ts); undefined: it cannot be read. */
  intent: Intent | undefined;
  nodeOfPort: (name: string) => string | undefined;
}

/** The node's part of the intent, from the copy if there is one; the reason is printed on standard error if it cannot be read. */
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
    // Errors of the files are reported below.
  }
  whole = wholeIfReadable(options);
  return { intent: whole, nodeOfPort };
}

function wholeIfReadable(options: IntentOptions): Intent | undefined {
  try {
    return readInputs(options).intent;
  } catch (error) {
    const [first] = error instanceof Error ? error.message.split('\n') : [String(error)];
    printError(`the intent cannot be used, so names are those that the kernel has: ${first ?? ''}`);
    return undefined;
  }
}
