import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readRegularFile } from '../../intent/regular-file.js';
import { Refusal } from '../../intent/findings.js';
import { loadNodeConfig } from '../../intent/load.js';
import { enroll } from '../../fleet/enroll/client.js';
import { parseToken } from '../../fleet/enroll/token.js';
import { readListen } from '../../fleet/tls-files.js';
import { CommandError, EXIT } from '../exit.js';
import { print } from '../print.js';

/** Default port of feeds' enrollment. */
const ENROLLMENT_PORT = 7178;
const STANDARD_INPUT = 0;

interface EnrollOptions {
  config: string;
  tokenFile: string;
  feed?: string;
}

export async function runEnroll({ config: file, tokenFile, feed }: EnrollOptions): Promise<void> {
  const { node, feeds } = loadNodeConfig(file);
  if (feeds === undefined)
    throw new CommandError(
      `${file}: intent: the node follows a file: expected a map with feeds and tls`,
      EXIT.badInput,
    );
  const targets = feed === undefined ? feeds.endpoints.map(withEnrollmentPort) : [readTarget(feed)];
  const text = (tokenFile === '-' ? readFileSync(STANDARD_INPUT) : readRegularFile(resolve(tokenFile)))
    .toString()
    .trim();
  const token = parseToken(text);
  if (token === undefined)
    throw new CommandError(`--token-file ${tokenFile}: expected a token from segue fleet token create`, EXIT.badInput);
  const failures: string[] = [];
  for (const target of targets) {
    try {
      const { validTo } = await enroll(target, token, text, node, feeds.tls);
      print(`node ${node} is enrolled: ${feeds.tls.cert}, valid until ${new Date(validTo).toISOString()}`);
      return;
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new CommandError(failures.join('; '));
}

function withEnrollmentPort(endpoint: string): string {
  return `${endpoint.slice(0, endpoint.lastIndexOf(':'))}:${ENROLLMENT_PORT}`;
}

function readTarget(text: string): string {
  const target = readListen(text);
  if (target instanceof Refusal) throw new CommandError(`--feed ${text}: expected ${target.expected}`, EXIT.badInput);
  return target;
}
