/** bin/segue: the Node.js that it chooses, and the error for an old one. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const LAUNCHER = fileURLToPath(new URL('../../../bin/segue', import.meta.url));

const PACKAGED = fileURLToPath(new URL('../../../packaging/segue.sh', import.meta.url));
/** What keeps the agent's event loop free (bin/segue). */
const YOUNG = '--max-semi-space-size=4';

describe('bin/segue', () => {
  const tree = mkdtempSync(join(tmpdir(), 'segue-launcher-'));
  const copy = join(tree, 'bin/segue');
  const link = join(tree, 'link');

  beforeAll(() => {
    mkdirSync(join(tree, 'bin'));
    copyFileSync(LAUNCHER, copy);
    chmodSync(copy, 0o755);
    symlinkSync(copy, link);
    writeFileSync(join(tree, 'package.json'), '{ "type": "module", "engines": { "node": ">=99.1" } }');
  });
  afterAll(() => {
    rmSync(tree, { recursive: true, force: true });
  });

  it('refuses a Node.js that is too old, in one line', () => {
    expect(spawnSync(process.execPath, [copy, 'diff'], { encoding: 'utf8' })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `segue: Node.js ${process.versions.node} runs this: expected >=99.1\n`,
    });
  });

  it("runs setup's Node.js if present, the machine's otherwise, also through links", () => {
    const path = join(tree, 'path');
    mkdirSync(path);
    const fake = (file: string, name: string): void => {
      writeFileSync(file, `#!/bin/sh\nprintf '%s|' ${name} "$@"\n`, { mode: 0o755 });
    };
    fake(join(path, 'node'), 'machine');
    const run = (file: string): string =>
      spawnSync(file, ['show', 'two words'], {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${path}:${process.env.PATH ?? ''}` },
      }).stdout;
    expect(run(copy)).toBe(`machine|${YOUNG}|${copy}|show|two words|`);
    mkdirSync(join(tree, '.cache/node/bin'), { recursive: true });
    fake(join(tree, '.cache/node/bin/node'), 'own');
    expect(run(copy)).toBe(`own|${YOUNG}|${copy}|show|two words|`);
    expect(readFileSync(PACKAGED, 'utf8')).toMatch(new RegExp(`^exec \\S+/node ${YOUNG} `, 'm'));
    expect(run(link)).toBe(`own|${YOUNG}|${link}|show|two words|`);
  });
});
