// Adds up vitest's json reports (DIR/*.json), prints one line a run and, last, "N passed, N failed".
// Exit 1 when anything failed, when a suite could not be loaded, when a test was skipped, or when no test ran at all.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const dir = process.argv[2] ?? '.cache/results';
let passed = 0;
let failed = 0;
const files = existsSync(dir) ? readdirSync(dir) : [];
for (const name of files.filter((n) => n.endsWith('.json')).sort()) {
  const report = JSON.parse(readFileSync(join(dir, name), 'utf8'));
  // A file that cannot be imported, or whose hooks fail, is a failed suite with no failed test in it.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const skipped = report.numTotalTests - report.numPassedTests - report.numFailedTests;
  process.stdout.write(
    `${name.replace(/\.json$/, '')}: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ` +
      `${skipped} not run, ${broken} files broken\n`,
  );
  passed += report.numPassedTests;
  failed += report.numFailedTests + skipped + broken;
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
if (failed > 0 || passed === 0) process.exitCode = 1;
