/** An option out of range ends a command with exit code 2, before the command reads or changes anything. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SEGUE = fileURLToPath(new URL('../../../bin/segue', import.meta.url));

function segue(...args: string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, [SEGUE, ...args], { encoding: 'utf8', timeout: 60_000 });
  return { status, stderr };
}

describe('options', () => {
  it.each(['NaN', 'abc', '-5', '1e-9', '0', '86401', ''])('--sweep %j is refused', (sweep) => {
    const { status, stderr } = segue('agent', `--sweep=${sweep}`, '-c', '/nonexistent.yaml');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `segue: --sweep ${sweep}: expected seconds from 1 to 86400\n`,
    });
  });

  it.each(['', '1e9', '0x10', '0', '-1', '86401'])('lab run --seconds=%s is refused', (seconds) => {
    expect(segue('lab', 'run', `--seconds=${seconds}`)).toEqual({
      status: 2,
      stderr: `segue: --seconds ${seconds}: expected seconds from 1 to 86400\n`,
    });
  });

  it.each(['constructor', '__proto__', 'silent', 'INFO'])('--log-level %s is refused', (level) => {
    const { status, stderr } = segue('agent', '--log-level', level, '-c', '/nonexistent.yaml');
    expect(status).toBe(2);
    expect(stderr).toContain('Allowed choices are trace, debug, info, warn, error');
  });

  it('escape control characters in error messages', () => {
    const { status, stderr } = segue('monitor', '--rate', '\u001b[31m1\n2', '-c', '/dev/null');
    expect(status).toBe(2);
    expect(stderr).not.toContain('\u001b');
  });

  it.each([
    ['an unknown command', ['\u001b[31mx\ny'], "segue: error: unknown command '\\x1b[31mx\\x0ay'"],
    ['an unknown option', ['show', 'vrf', '--x\u001b'], "segue: error: unknown option '--x\\x1b'"],
    [
      'an option like one',
      ['show', 'vrf', '--confg'],
      "segue: error: unknown option '--confg'\n(Did you mean --config?)",
    ],
  ])('%s is repeated in one printable line', (_what, words, line) => {
    expect(segue(...words)).toMatchObject({ status: 2, stderr: `${line}\n(see segue --help)\n` });
  });
});

describe('segue', () => {
  /** Whether the command loaded koffi, as everything does that looks into the kernel. */
  const loadsKoffi = (...args: string[]): string => {
    const look = `process.on('exit', () => process.stderr.write(String(process.report.getReport().sharedObjects.some((path) => path.includes('koffi')))))`;
    const argv = ['--import', `data:text/javascript,${encodeURIComponent(look)}`, SEGUE, ...args];
    return spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 60_000 }).stderr;
  };

  it.each([['version'], ['--version'], ['-v'], ['-V'], ['--help'], ['show', '--help'], ['apply', '--help']])(
    '%s %s does not load koffi',
    (...words) => {
      expect(loadsKoffi(...words)).toBe('false');
      expect(segue(...words).status).toBe(0);
    },
  );

  it('show loads koffi to read the kernel', () => {
    expect(loadsKoffi('show', 'vrf', '-c', '/dev/null')).toMatch(/true$/);
  });
});
