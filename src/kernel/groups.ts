import { readFileSync } from 'node:fs';

/** Number of a group in /etc/group; undefined if it does not exist. */
export function groupNumber(name: string, file = '/etc/group'): number | undefined {
  try {
    const line = readFileSync(file, 'utf8')
      .split('\n')
      .find((one) => one.startsWith(`${name}:`));
    const number = line?.split(':')[2];
    return number !== undefined && /^[0-9]+$/.test(number) ? Number(number) : undefined;
  } catch {
    return undefined;
  }
}
