/** Colours appear only on a terminal, which script(1) provides. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useNetwork } from '../../netns/lib/network.js';
import { selftestTopology } from '../../netns/lib/topologies.js';
import { ROOT } from '../libbpf/harness.js';

const network = useNetwork(selftestTopology({ dataplane: { hv1: 'ebpf', hv2: 'ebpf' } }), (made) => {
  made.files();
  return Promise.resolve();
});
/** Select Graphic Rendition (ECMA-48). */
const SGR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`);
const diff = (): string => `${join(ROOT, 'bin/segue')} diff -c ${join(network.directory, 'hv1.yaml')}`;
/**
 * What `diff` prints; that there is something to do is no failure here. Of this test's own environment nothing is left:
 * Node.js takes a terminal for one without colours where CI is set, and heeds a dozen variables besides.
 */
const printed = (command: string, environment: string): Promise<string> =>
  network.shell('hv1', `env -i PATH="$PATH" TERM=xterm ${environment} ${command} || :`);

it('output has colours on a terminal', async () => {
  expect(await printed(`script -qec '${diff()}' /dev/null`, '')).toContain('\u001b[32m+\u001b[39m fast path');
});

it.each([
  ['in a pipe', () => diff(), ''],
  ['with NO_COLOR', () => `script -qec '${diff()}' /dev/null`, 'NO_COLOR=1'],
  ['on a terminal without colours', () => `script -qec '${diff()}' /dev/null`, 'TERM=dumb'],
])('output has no colours %s', async (_name, command, environment) => {
  const output = await printed(command(), environment);
  expect(output).toContain('+ fast path');
  // How far it is, where it takes longer, is told at a terminal without colours, too.
  expect(output).not.toMatch(SGR);
});
