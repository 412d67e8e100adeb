/** Requests to an agent's API. */
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { SOCKET_FILE } from '../../../src/api/protocol.js';
import { runDirectory } from '../../../src/agent/run-directory.js';

export interface ApiAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export function socketOf(node: string): string {
  return join(runDirectory(node), SOCKET_FILE);
}

export function ask(
  socketPath: string,
  path: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text });
      });
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
