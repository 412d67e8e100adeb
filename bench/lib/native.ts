import { fileURLToPath } from 'node:url';

/** Path of a compiled program of native/; from build/bench/lib, where this module runs. */
export function nativeProgram(name: string): string {
  return fileURLToPath(new URL(`../../native/${name}`, import.meta.url));
}
