// Exit 0 when node_modules holds what package-lock.json asks for, 1 (with the first difference) when not.
// npm leaves what it installed in node_modules/.package-lock.json; comparing the two takes milliseconds, `npm ls` seconds.
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';

function packages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}

function difference() {
  const wanted = packages('package-lock.json');
  const installed = packages('node_modules/.package-lock.json');
  if (installed === undefined) return 'node_modules is missing';
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const there = installed[path];
    if (there === undefined) {
      if (entry.optional || entry.peer) continue; // built for another platform
      return `${path} is missing`;
    }
    if (there.version !== entry.version) return `${path} is ${there.version}, the lock says ${entry.version}`;
    if (!existsSync(`${path}/package.json`)) return `${path} is missing`;
  }
  for (const path of Object.keys(installed)) if (wanted[path] === undefined) return `${path} is not in the lock`;
  return undefined;
}

const found = difference();
if (found !== undefined) {
  process.stderr.write(`setup: ${found}\n`);
  process.exit(1);
}
