/** The intent with what all features add to it: what agents, commands and tests call. */
import { INTENT_MODEL } from './features.js';
import * as change from '../intent/change.js';
import * as load from '../intent/load.js';
import * as scope from '../intent/scope.js';
import * as validate from '../intent/validate.js';
import type { Findings } from '../intent/findings.js';
import type { LoadedIntent, ParseOptions } from '../intent/load.js';
import type { Intent, IntentChange, Port } from '../intent/types.js';
import type { Steps } from '../reconcile/steps.js';

/** @throws IntentError (INTENT_INVALID) with every issue */
export function parseIntent(text: string, options: ParseOptions): Intent {
  return load.parseIntent(text, options, INTENT_MODEL);
}

/** An intent file. @throws IntentError (INTENT_INVALID) with every issue */
export function loadIntent(file: string): Intent {
  return load.loadIntent(file, INTENT_MODEL);
}

/** An intent file, unless its bytes are those of the digest. @throws IntentError (INTENT_INVALID) with every issue */
export function loadIntentText(file: string, unlessDigest?: string): LoadedIntent {
  return load.loadIntentText(file, unlessDigest, INTENT_MODEL);
}

/** Checks and canonicalises an intent; it counts only when it added no findings. */
export function checkIntent(raw: unknown, findings: Findings): Intent | undefined {
  return validate.checkIntent(raw, findings, INTENT_MODEL);
}

/** The changes that lead from one intent to the other. */
export function diffIntent(before: Intent, after: Intent): IntentChange[] {
  return change.diffIntent(before, after, INTENT_MODEL);
}

/** The same, as work that may be interrupted. */
export function diffSteps(before: Intent, after: Intent): Steps<IntentChange[]> {
  return change.diffSteps(before, after, INTENT_MODEL);
}

/** The part of an intent that a node's agent holds on to. */
export function relevantTo(intent: Intent, node: string): Intent {
  return scope.relevantTo(intent, node, INTENT_MODEL);
}

/** What a node keeps of a port. */
export function portAt(port: Port, node: string): Port {
  return INTENT_MODEL.portAt(port, node);
}
