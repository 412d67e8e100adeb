/** Functions on the intent with all features, for agents, commands and tests. */
import { INTENT_MODEL } from './features.js';
import * as change from '../intent/change.js';
import * as load from '../intent/load.js';
import * as scope from '../intent/scope.js';
import * as validate from '../intent/validate.js';
import type { Findings } from '../intent/findings.js';
import type { LoadedIntent, ParseOptions } from '../intent/load.js';
import type { Intent, IntentChange, NodeConfig, Port } from '../intent/types.js';
import type { Steps } from '../reconcile/steps.js';

/** @throws IntentError (INTENT_INVALID) with all issues */
export function parseIntent(text: string, options: ParseOptions): Intent {
  return load.parseIntent(text, options, INTENT_MODEL);
}

/** Loads an intent file. @throws IntentError (INTENT_INVALID) with all issues */
export function loadIntent(file: string): Intent {
  return load.loadIntent(file, INTENT_MODEL);
}

/** Loads an intent file unless it has this digest. @throws IntentError (INTENT_INVALID) with all issues */
export function loadIntentText(file: string, unlessDigest?: string): LoadedIntent {
  return load.loadIntentText(file, unlessDigest, INTENT_MODEL);
}

/** Checks and canonicalises an intent; the result is valid only if no findings were added. */
export function checkIntent(raw: unknown, findings: Findings): Intent | undefined {
  return validate.checkIntent(raw, findings, INTENT_MODEL);
}

/** The changes from one intent to another. */
export function diffIntent(before: Intent, after: Intent): IntentChange[] {
  return change.diffIntent(before, after, INTENT_MODEL);
}

/** The same; may be suspended. */
export function diffSteps(before: Intent, after: Intent): Steps<IntentChange[]> {
  return change.diffSteps(before, after, INTENT_MODEL);
}

/** The part of an intent that is relevant to a node. */
export function scopeTo(intent: Intent, node: string): Intent {
  return scope.scopeTo(intent, node, INTENT_MODEL);
}

/**
 * Checks that need both files.
 *
 * @param file the node file's name, for messages
 * @throws IntentError (INTENT_INVALID)
 */
export function checkNodeInIntent(config: NodeConfig, intent: Intent, file: string): void {
  load.checkNodeInIntent(config, intent, file, INTENT_MODEL);
}

/** The part of an intent that a node's agent keeps. */
export function relevantTo(intent: Intent, node: string): Intent {
  return scope.relevantTo(intent, node, INTENT_MODEL);
}

/** The part of a port that a node keeps. */
export function portAt(port: Port, node: string): Port {
  return INTENT_MODEL.portAt(port, node);
}
