import { isDeepStrictEqual } from 'node:util';
import { readCache } from '../fleet/node/cache.js';
import { checkNodeInIntent, loadIntentText, scopeTo } from '../app/intent.js';
import { loadNodeConfig } from '../intent/load.js';
import { withoutMigration } from '../intent/migration.js';
import { fileSignature, isJustChanged } from '../intent/signature.js';
import type { LoadedIntent } from '../intent/load.js';
import type { Intent, NodeConfig } from '../intent/types.js';

/** A node's part of its intent file. */
export interface NodeIntent extends LoadedIntent {
  /** Signature of the file (fileSignature); empty if the file may have changed while it was read. */
  signature: string;
}

/**
 * Reads and checks the intent that a node file names.
 *
 * @param configFile the node file's name, for messages
 * @param options `unlessDigest`: skip parsing if the file still has this digest; `part`: selects the part of the intent to keep
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
  return { digest, signature, intent: part(movable(config, intent), config.node) };
}

/**
 * Drops migrations unless the programs forward alone. Only these support a port on two nodes at a time; with the kernel's data plane a port moves
 * when the intent moves it.
 */
function movable({ dataplane }: NodeConfig, intent: Intent): Intent {
  if (dataplane === 'ebpf' || !intent.ports.some(({ migrate }) => migrate !== undefined)) return intent;
  return { ...intent, ports: intent.ports.map(withoutMigration) };
}

/** The intent as text. With feeds: the cached copy of what they sent last. */
function loadText(config: NodeConfig, unlessDigest: string | undefined): LoadedIntent {
  if (config.feeds === undefined) return loadIntentText(config.intent, unlessDigest);
  const { digest, intent } = readCache(config.intent, config.node);
  return { digest, ...(digest !== unlessDigest && { intent }) };
}

/** Signature of the node file (fileSignature); empty if the file does not hold this configuration, or may have changed while it was read. */
export function signatureOfConfig(config: NodeConfig, file: string): string {
  try {
    const signature = fileSignature(file);
    const isSame = !isJustChanged(file) && isDeepStrictEqual(loadNodeConfig(file), config);
    return isSame && fileSignature(file) === signature ? signature : '';
  } catch {
    return '';
  }
}
