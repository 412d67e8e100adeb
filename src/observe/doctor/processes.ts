/** Processes of the machine, from /proc. */
import { readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';

export interface Process {
  pid: number;
  /** At most 15 characters. */
  comm: string;
  argv: string[];
  cwd: string;
}

/** All processes, except for those that end meanwhile. */
export function listProcesses(): Process[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const argv = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0').slice(0, -1);
      const comm = readFileSync(`/proc/${entry}/comm`, 'utf8').trim();
      return [{ pid: Number(entry), comm, argv, cwd: readlinkSync(`/proc/${entry}/cwd`) }];
    } catch {
      return [];
    }
  });
}

/** Path of the node file of a `segue agent` process; undefined for other processes. */
export function agentConfig({ argv, cwd }: Pick<Process, 'argv' | 'cwd'>, defaultFile: string): string | undefined {
  const at = argv.indexOf('agent');
  if (at < 1 || !['segue', 'main.js'].includes(basename(argv[at - 1] ?? ''))) return undefined;
  let file = defaultFile;
  for (let i = at + 1; i < argv.length; i++) {
    const [option = '', value] = (argv[i] ?? '').split('=', 2);
    if (option === '-c' || option === '--config') file = value ?? argv[i + 1] ?? file;
    else if (/^-c./.test(option)) file = option.slice(2);
  }
  return samePath(resolve(cwd, file));
}

/** A path with symbolic links resolved, as far as it exists. */
export function samePath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
