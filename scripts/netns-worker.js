// Runs test files of one vitest project, one after the other, until a queue is empty; several of these, each in a VM,
// share the queue, so none waits long for the others whatever the files cost.
//
//   node scripts/netns-worker.js PROJECT QUEUE
//
// QUEUE is a folder with the file `files` (a path a line, in the order to take them). Who makes the folder <line> (from 0)
// has the file of that line; <line>/report.json is vitest's report of it, there once it was run to its end.
// Exit 1 when a test, a suite or anything outside a test failed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createVitest, JsonReporter } from 'vitest/node';

const [project, queue] = process.argv.slice(2);
const files = readFileSync(join(queue, 'files'), 'utf8').split('\n').filter(Boolean);
const say = (text) => process.stdout.write(`${text}\n`);
const seconds = (ms) => `${((ms ?? 0) / 1000).toFixed(1)} s`;

/** One line a test, told when it ended; vitest's own reporters tell everything once more at the end of every file. */
const lines = {
  onInit(vitest) {
    this.vitest = vitest;
  },
  onTestCaseResult(test) {
    const { state, errors = [] } = test.result();
    const sign = { passed: '✓', failed: '✗', skipped: '-' }[state] ?? '?';
    say(`${sign} ${test.module.relativeModuleId} > ${test.fullName}  ${seconds(test.diagnostic()?.duration)}`);
    for (const error of errors) this.vitest.logger.printError(error, { project: test.project });
  },
  onUserConsoleLog(log) {
    process[log.type].write(log.content);
  },
  onTestModuleEnd(module) {
    for (const suite of [module, ...module.children.allSuites()]) {
      for (const error of suite.errors()) {
        say(`✗ ${module.relativeModuleId}${suite === module ? '' : ` > ${suite.fullName}`}`);
        this.vitest.logger.printError(error, { project: module.project });
      }
    }
    const { setupDuration, collectDuration, duration } = module.diagnostic();
    say(
      `  ${module.relativeModuleId}: ${seconds(setupDuration + collectDuration)} to load, ${seconds(duration)} tests`,
    );
  },
};

/** vitest's report of the last run, kept instead of written. */
class Report extends JsonReporter {
  writeReport(text) {
    this.text = text;
  }
}
const report = new Report({});

const vitest = await createVitest('test', {
  watch: false,
  project: [project],
  isolate: false,
  fileParallelism: false,
  // What scripts/vm-tests has compiled on the host.
  experimental: { fsModuleCache: true, fsModuleCachePath: '.cache/vitest' },
  reporters: [lines, report],
});
await vitest.standalone();
try {
  for (const [line, file] of files.entries()) {
    try {
      mkdirSync(join(queue, String(line)));
    } catch (error) {
      if (error.code === 'EEXIST') continue;
      throw error;
    }
    const specifications = await vitest.globTestSpecifications([file]);
    const wanted = specifications.filter((one) => one.moduleId.endsWith(`/${file}`));
    if (wanted.length !== 1) throw new Error(`${file}: ${wanted.length} test files of that name in project ${project}`);
    const { unhandledErrors } = await vitest.runTestSpecifications(wanted);
    for (const error of unhandledErrors) {
      process.exitCode = 1;
      say(`✗ ${file}: outside its tests`);
      vitest.logger.printError(error);
    }
    writeFileSync(join(queue, String(line), 'report.json'), report.text);
  }
  if (
    vitest.state.getCountOfFailedTests() > 0 ||
    vitest.state.getFiles().some((file) => file.result?.state === 'fail')
  ) {
    process.exitCode = 1;
  }
} finally {
  await vitest.close();
}
