import { isDeepStrictEqual } from 'node:util';
import { readCache } from '../fleet/node/cache.js';
import { loadIntentText } from '../app/intent.js';
import { checkNodeInIntent, loadNodeConfig } from '../intent/load.js';
import { scopeTo } from '../intent/scope.js';
import { fileSignature, isJustChanged } from '../intent/signature.js';
import type { LoadedIntent } from '../intent/load.js';
import type { Intent, NodeConfig } from '../intent/types.js';

/** A node's part of its intent file. */
export interface NodeIntent extends LoadedIntent {
  /** Of the file that was read (fileSignature); empty where it may have changed meanwhile. */
  signature: string;
}

/**
 * Reads and checks the intent that a node file names.
 *
 * @param configFile the node file's name, for messages
 * @param options `unlessDigest`: nothing is parsed where the file's bytes are those of the digest; `part`: what is kept of the intent
 * @throws IntentError
 */
export function readNodeIntent(
  config: NodeConfig,
  configFile: string,
  {
    unlessDigest,
    part = scopeTo,
  }: { unlessDigest?: string | undefined; part?: (intent: Intent, node: string) => Intent } = {},
): NodeIntent {
  const before = fileSignature(config.intent);
  const isStable = !isJustChanged(config.intent);
  const { digest, intent } = loadText(config, unlessDigest);
  const signature = isStable && fileSignature(config.intent) === before ? before : '';
  if (intent === undefined) return { digest, signature };
  checkNodeInIntent(config, intent, configFile);
  return { digest, signature, intent: part(intent, config.node) };
}

/** Of feeds, what they told last. */
function loadText(config: NodeConfig, unlessDigest: string | undefined): LoadedIntent {
  if (config.feeds === undefined) return loadIntentText(config.intent, unlessDigest);
  const { digest, intent } = readCache(config.intent, config.node);
  return { digest, ...(digest !== unlessDigest && { intent }) };
}

/** Of the node file (fileSignature); empty where it does not say, or no longer says, what the node is run with. */
export function signatureOfConfig(config: NodeConfig, file: string): string {
  try {
    const signature = fileSignature(file);
    const isSame = !isJustChanged(file) && isDeepStrictEqual(loadNodeConfig(file), config);
    return isSame && fileSignature(file) === signature ? signature : '';
  } catch {
    return '';
  }
}
