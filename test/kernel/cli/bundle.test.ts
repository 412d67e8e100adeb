/**
 * Commands load no module that they do not need: an ES import of node:http or node:crypto brings an HTTP client and the
 * Web Crypto API (rolldown.config.js).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { SEGUE_COMMAND } from '../../../lab/paths.js';
import { runIn } from '../../../lab/process.js';

/** Says at the end which parts of Node.js were loaded. */
const TELL_TALE = `process.on('exit', () => process.stderr.write('LOADED ' + process.moduleLoadList.join(' ')));`;

it.each([['help'], ['show port'], ['show gateway'], ['trace -p p0 --to 10.0.0.2']])('segue %s', async (words) => {
  const directory = mkdtempSync(join(tmpdir(), 'segue-bundle-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'node.yaml');
  writeFileSync(file, '{ node: sgtbundle, uplinks: [eth0], dataplane: kernel, intent: intent.json }');
  const node = words === 'help' ? [] : ['-c', file];
  const argv = ['--import', `data:text/javascript,${encodeURIComponent(TELL_TALE)}`, SEGUE_COMMAND];
  const { stderr } = await runIn(undefined, [process.execPath, ...argv, ...words.split(' '), ...node]);
  const [, loaded = ''] = stderr.split('LOADED ');
  expect(loaded).toContain('internal/modules');
  expect(loaded.match(/internal\/(deps\/undici|crypto\/webcrypto)\S*/g)).toBeNull();
});
