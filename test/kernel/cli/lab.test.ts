/** The command finds the laboratory's bundle, which is no part of its own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT, SEGUE_COMMAND } from '../../../lab/paths.js';
import { runIn } from '../../../lab/process.js';

it('what is refused for want of root is refused by the laboratory', async () => {
  const argv = ['setpriv', '--reuid', '65534', '--clear-groups', process.execPath, SEGUE_COMMAND, 'lab', 'up'];
  const { status, stderr } = await runIn(undefined, argv);
  expect(stderr).toBe('segue: segue lab makes network namespaces: run it as root\n');
  expect(status).toBe(1);
});

it('the bundle of the agent has none of it', () => {
  const folder = join(PACKAGE_ROOT, 'dist/bin');
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.filter((text) => text.includes('segue lab makes network namespaces'))).toEqual([]);
});
