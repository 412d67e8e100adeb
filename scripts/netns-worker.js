// Runs test files of vitest projects, one after the other in one process, until a queue is empty; several of these,
// each in a VM, share the queue, so none waits long for the others whatever the files cost.
//
//   node scripts/netns-worker.js PROJECT[,PROJECT…] QUEUE
//
// QUEUE is a folder with the file `files` (a path a line, in the order to take them). scripts/queue-runner.js takes a file
// by making the folder <line> (from 0); <line>/report.json, in the shape of vitest's own, is there once it was run to its end.
// Exit 1 when a test, a suite or anything outside a test failed.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { createVitest } from 'vitest/node';

const [projects, queue] = process.argv.slice(2);
const files = readFileSync(join(queue, 'files'), 'utf8').split('\n').filter(Boolean);
const order = new Map(files.map((file, line) => [resolve(file), line]));
const say = (text) => process.stdout.write(`${text}\n`);
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** Reports the end of each test, and writes a report of every file. */
const reporter = {
  onInit(vitest) {
    this.vitest = vitest;
  },
  onTestModuleStart() {
    this.startTime = Date.now();
  },
  onTestCaseResult(test) {
    const { state, errors = [] } = test.result();
    const sign = { passed: '✓', failed: '✗' }[state] ?? '-';
    say(`${sign} ${test.module.relativeModuleId} > ${test.fullName}  ${seconds(test.diagnostic()?.duration ?? 0)}`);
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
    const tests = [...module.children.allTests()];
    // Another worker has the file, which was not loaded here.
    if (tests.length === 0 && module.ok()) return;
    const { collectDuration, duration } = module.diagnostic();
    say(`  ${module.relativeModuleId}: ${seconds(collectDuration)} to load, ${seconds(duration)} tests`);
    const assertionResults = tests.map((test) => {
      const { state, errors = [] } = test.result();
      return { fullName: test.fullName, status: state, failureMessages: errors.map(({ message }) => message) };
    });
    const count = (state) => assertionResults.filter(({ status }) => status === state).length;
    const startTime = this.startTime ?? Date.now();
    const report = {
      numTotalTests: tests.length,
      numPassedTests: count('passed'),
      numFailedTests: count('failed'),
      startTime,
      testResults: [
        {
          name: module.moduleId,
          status: module.ok() ? 'passed' : 'failed',
          startTime,
          endTime: Date.now(),
          assertionResults,
        },
      ],
    };
    writeFileSync(join(queue, String(order.get(module.moduleId)), 'report.json'), JSON.stringify(report));
  },
};

class InOrder {
  sort(specifications) {
    return specifications.sort((a, b) => order.get(a.moduleId) - order.get(b.moduleId));
  }
  shard(specifications) {
    return specifications;
  }
}

// As in vitest's own command and in scripts/vm-tests: compiled files of another NODE_ENV are not found.
process.env.NODE_ENV ??= 'test';
// vitest.config.ts sets the runner when it sees this.
process.env.SEGUE_TEST_QUEUE = resolve(queue);
const vitest = await createVitest('test', {
  watch: false,
  project: projects.split(','),
  isolate: false,
  maxWorkers: 1,
  fileParallelism: false,
  passWithNoTests: true,
  sequence: { sequencer: InOrder },
  // Files that scripts/vm-tests compiled on the host.
  experimental: { fsModuleCache: true, fsModuleCachePath: '.cache/vitest' },
  reporters: [reporter],
});
await vitest.standalone();
try {
  const specifications = (await vitest.globTestSpecifications()).filter((one) => order.has(one.moduleId));
  if (specifications.length !== files.length)
    throw new Error(`not every file of ${queue}/files is a test of ${projects}`);
  const { unhandledErrors } = await vitest.runTestSpecifications(specifications);
  for (const error of unhandledErrors) {
    process.exitCode = 1;
    say('✗ outside the tests');
    vitest.logger.printError(error);
  }
  if (vitest.state.getFiles().some((file) => file.result?.state === 'fail')) process.exitCode = 1;
} finally {
  await vitest.close();
}
