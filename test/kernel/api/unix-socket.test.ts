/** An agent without CAP_CHOWN that is outside the group: only root can use the socket, and the agent logs why. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { runIn } from '../../../lab/process.js';

const GROUP = 4242;
const CHILD = `
  import { statSync } from 'node:fs';
  import { createServer } from 'node:http';
  const [module, path, group] = process.argv.slice(1);
  const { listenOnSocket } = await import(module);
  const refused = [];
  await listenOnSocket(createServer(), path, Number(group), ({ code }) => refused.push(code));
  const { mode, gid } = statSync(path);
  process.stdout.write(JSON.stringify({ mode: (mode & 0o777).toString(8), gid, refused }));
  process.exit();
`;

it.each([
  ['without CAP_CHOWN and outside the group', ['--clear-groups'], { mode: '600', gid: 0, refused: ['EPERM'] }],
  ['without CAP_CHOWN and inside the group', ['--groups', `${GROUP}`], { mode: '660', gid: GROUP, refused: [] }],
])('the socket of an agent %s', async (_title, groups, expected) => {
  const directory = mkdtempSync(join(tmpdir(), 'segue-socket-'));
  try {
    const without = ['setpriv', ...groups, 'setpriv', '--bounding-set=-chown', '--inh-caps=-chown'];
    const child = [process.execPath, '--input-type=module', '-e', CHILD, resolve('dist/api/unix-socket.js')];
    const { stdout, stderr } = await runIn(undefined, [...without, ...child, join(directory, 'api.sock'), `${GROUP}`]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(expected);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
