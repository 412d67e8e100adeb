// Keeps how long each test file took, for scripts/vm-tests to order them:
//
//   node scripts/test-seconds.js QUEUE FILE      reads QUEUE/<line>/report.json, writes FILE: "path seconds" a line
//
// Files that did not run this time keep what they had.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const [queue, file] = process.argv.slice(2);
const lines = (path) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []);
const took = new Map(lines(file).map((line) => line.split(' ')));
for (const [line, path] of lines(join(queue, 'files')).entries()) {
  const report = join(queue, String(line), 'report.json');
  if (!existsSync(report)) continue;
  const { startTime, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const end = Math.max(startTime, ...testResults.map((result) => result.endTime));
  took.set(path, ((end - startTime) / 1000).toFixed(1));
}
writeFileSync(file, [...took].map(([path, seconds]) => `${path} ${seconds}\n`).join(''));
