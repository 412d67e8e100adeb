/** The command finds the laboratory's bundle, which is separate from its own. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT, SEGUE_COMMAND } from '../../../lab/paths.js';
import { runIn } from '../../../lab/process.js';

it('the laboratory refuses to run without root', async () => {
  for (const what of ['up', 'run', 'down']) {
    const argv = ['setpriv', '--reuid', '65534', '--clear-groups', process.execPath, SEGUE_COMMAND, 'lab', what];
    expect(await runIn(undefined, argv)).toMatchObject({
      status: 1,
      stdout: '',
      stderr:
        'segue: run as root: this process lacks CAP_NET_ADMIN (interfaces, routes, nftables), ' +
        "CAP_SYS_ADMIN (network namespaces), CAP_DAC_OVERRIDE (root's files and pins)\n",
    });
  }
});

it("the agent's bundle contains no laboratory code", () => {
  const folder = join(PACKAGE_ROOT, 'dist/bin');
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.filter((text) => text.includes('the laboratory is removed'))).toEqual([]);
});
