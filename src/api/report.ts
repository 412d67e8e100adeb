/** The node's report, as `segue report -j`. */
import { readKeptJournal } from '../agent/kept-counters.js';
import { runDirectory } from '../agent/run-directory.js';
import { readVersion } from '../agent/version.js';
import { composeReport } from '../observe/report/report.js';
import { answerOf } from './command-answers.js';
import { refuseQuery } from './query.js';
import { replyJson } from './reply.js';
import type { Diagnosis } from '../observe/doctor/types.js';
import type { ReportChange, ReportPart, ReportParts } from '../observe/report/report.js';
import type { Handler } from './services.js';

export const answerReport: Handler = async ({ query, response }, services) => {
  refuseQuery(query);
  const problems: ReportParts['problems'] = [];
  const part = async <T>(name: ReportPart, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      problems.push({ part: name, detail: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  };
  const { node } = services.basis.files.config;
  // The agent saves its journal before it answers.
  const state = await part('agent', () => services.agentState());
  const command = <T>(name: 'diff' | 'doctor'): (() => Promise<T>) => {
    return async () => JSON.parse((await answerOf(name, services)).body) as T;
  };
  replyJson(
    response,
    composeReport({
      ...{ node, version: readVersion(), at: Math.round(Date.now() / 1000), state, problems },
      journal: readKeptJournal(runDirectory(node)),
      diff: await part('drift', command<{ changes: ReportChange[] }>('diff')),
      doctor: await part('doctor', command<Diagnosis>('doctor')),
      drops: await part('drops', () => services.drops()),
    }),
  );
};
