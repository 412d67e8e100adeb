/** A report without an agent: from its saved files, and from commands. */
import { runProgram } from '../../kernel/program.js';
import { readKeptJournal } from '../../agent/kept-counters.js';
import { runDirectory } from '../../agent/run-directory.js';
import { readVersion } from '../../agent/version.js';
import { composeReport } from './report.js';
import type { NodeConfig } from '../../intent/types.js';
import type { Diagnosis } from '../doctor/types.js';
import type { NodeReport, ReportChange, ReportPart, ReportParts } from './report.js';

const TIMEOUT_MS = 60_000;

/**
 * @param command argv of segue
 * @param why reason why no agent answered
 */
export async function localReport(
  { node }: NodeConfig,
  configFile: string,
  command: readonly string[],
  why: string,
): Promise<NodeReport> {
  const problems: ReportParts['problems'] = [
    { part: 'agent', detail: why },
    { part: 'drops', detail: 'only an agent keeps a history' },
  ];
  const ask = async <T>(part: ReportPart, name: string): Promise<T | undefined> => {
    const argv = [...command, name, '-j', '-c', configFile];
    const { stdout, stderr } = await runProgram(undefined, argv, { timeoutMs: TIMEOUT_MS });
    try {
      return JSON.parse(stdout) as T;
    } catch {
      problems.push({ part, detail: stderr.trim().slice(0, 1000) || `segue ${name}: no answer` });
      return undefined;
    }
  };
  return composeReport({
    ...{
      node,
      version: readVersion(),
      at: Math.round(Date.now() / 1000),
      state: undefined,
      drops: undefined,
      problems,
    },
    journal: readKeptJournal(runDirectory(node)),
    diff: await ask<{ changes: ReportChange[] }>('drift', 'diff'),
    doctor: await ask<Diagnosis>('doctor', 'doctor'),
  });
}
