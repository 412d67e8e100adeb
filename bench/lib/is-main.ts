import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Is this module the program that was started? */
export function isMain(url: string): boolean {
  const [, program] = process.argv;
  return program !== undefined && realpathSync(program) === fileURLToPath(url);
}
