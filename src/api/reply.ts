import { jsonText } from '../cli/print.js';
import { JSON_TYPE } from './protocol.js';
import type { ServerResponse } from 'node:http';

/** Sends a short answer as JSON. */
export function replyJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = `${jsonText(value)}\n`;
  const headers = { 'content-type': JSON_TYPE, 'cache-control': 'no-store' };
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) }).end(body);
}
