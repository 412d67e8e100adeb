/** `apply`, `diff` and `purge`, on the common engine. */
import { resolve } from 'node:path';
import { applyOnce, diffOnce } from '../../agent/apply.js';
import { keepIntentCopy } from '../../agent/intent-copy.js';
import { signatureOfConfig } from '../../agent/node-intent.js';
import { purge, purgeWithoutNetns } from '../../agent/purge.js';
import { netnsIdentity } from 'netlink-ts';
import { CommandError, EXIT } from '../exit.js';
import { readConfig, readInputs } from '../inputs.js';
import { withInstance } from '../open.js';
import { print, printJson, reportJson } from '../print.js';
import { withProgress } from '../progress.js';
import { tellReport, tellDiff, tellUnreachable, tellWarnings } from './tell.js';
import type { IntentOptions, NodeOptions } from '../node-options.js';

export interface ApplyFlags extends IntentOptions {
  dryRun?: boolean;
  force?: boolean;
  json?: boolean;
}

export interface PurgeFlags extends NodeOptions {
  grace: string;
  json?: boolean;
}

/** Longer than any routing protocol takes to withdraw a route (BGP's hold time is 180 s). */
const MAX_GRACE_SECONDS = 600;

export async function runApply(options: ApplyFlags): Promise<void> {
  const { config, intent, read } = readInputs(options);
  await withInstance(config, async (instance) => {
    const { progress } = instance.kernel;
    if (options.dryRun) {
      const diff = await withProgress(progress, () => diffOnce(instance, intent));
      tellWarnings(diff);
      tellDiff(instance, diff, options.json);
      tellUnreachable(intent, diff);
      return;
    }
    const force = options.force === true;
    const report = await withProgress(progress, () => applyOnce(instance, intent, { force }));
    keepIntentCopy(instance.runDirectory, config, read, signatureOfConfig(config, options.config));
    tellWarnings(report);
    tellReport(instance, report, options.json);
    if (tellUnreachable(intent, report)) process.exitCode = EXIT.failed;
  });
}

export async function runDiff(options: ApplyFlags): Promise<void> {
  const { config, intent } = readInputs(options);
  await withInstance(config, async (instance) => {
    const diff = await withProgress(instance.kernel.progress, () => diffOnce(instance, intent));
    tellDiff(instance, diff, options.json);
    const isUnreachable = tellUnreachable(intent, diff);
    process.exitCode = diff.changes.length > 0 ? EXIT.drift : isUnreachable ? EXIT.failed : EXIT.ok;
  });
}

export async function runPurge(options: PurgeFlags): Promise<void> {
  const graceSeconds = /^[0-9]+(\.[0-9]+)?$/.test(options.grace) ? Number(options.grace) : NaN;
  if (!(graceSeconds <= MAX_GRACE_SECONDS)) {
    const expected = `a number of seconds from 0 to ${MAX_GRACE_SECONDS}`;
    throw new CommandError(`--grace ${options.grace}: expected ${expected}`, EXIT.badInput);
  }
  const config = readConfig(options);
  const { netns } = config;
  const file = resolve(options.config);
  if (netns !== undefined && netnsIdentity(netns) === undefined) {
    const report = await purgeWithoutNetns(config, file);
    if (options.json) printJson(reportJson(config.node, report));
    else print(`${config.node}: network namespace ${netns} no longer exists; pins and files were removed`);
    return;
  }
  await withInstance(config, async (instance) => {
    const report = await withProgress(instance.kernel.progress, () => purge(instance, { graceSeconds, file }));
    tellReport(instance, report, options.json);
  });
}
