// Adds up vitest's json reports (DIR/*.json), prints one line a run, then one for each test that failed, and, last, "N passed, N failed".
// Exit 1 when anything failed, when a suite could not be loaded, when a test was skipped, or when no test ran at all.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';

const dir = process.argv[2] ?? '.cache/results';
let passed = 0;
let failed = 0;
const failures = [];
const LINE_MAX = 300;
const firstLine = (text = '') => text.split('\n', 1)[0].slice(0, LINE_MAX);
const files = existsSync(dir) ? readdirSync(dir) : [];
for (const name of files.filter((n) => n.endsWith('.json')).sort()) {
  const report = JSON.parse(readFileSync(join(dir, name), 'utf8'));
  // A file that cannot be imported, or whose hooks fail, is a failed suite without failed tests.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const skipped = report.numTotalTests - report.numPassedTests - report.numFailedTests;
  process.stdout.write(
    `${name.replace(/\.json$/, '')}: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ` +
      `${skipped} not run, ${broken} files broken\n`,
  );
  for (const file of report.testResults) {
    const path = relative('.', file.name);
    const tests = file.assertionResults.filter((test) => test.status === 'failed');
    if (tests.length === 0 && file.status === 'failed') failures.push(`${path}: ${firstLine(file.message)}`);
    for (const test of tests) failures.push(`${path} > ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`);
  }
  passed += report.numPassedTests;
  failed += report.numFailedTests + skipped + broken;
}
for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
if (failed > 0 || passed === 0) process.exitCode = 1;
