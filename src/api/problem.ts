/** Errors in the format of RFC 9457. */
import { STATUS_CODES } from 'node:http';
import { PROBLEM } from './protocol.js';
import type { ProblemBody } from './protocol.js';

export interface ProblemOptions {
  /** For scripts, such as `not-found`. */
  code: string;
  /** What was found and what was expected. */
  detail: string;
  headers?: Record<string, string>;
}

/** An error that becomes the answer. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, { code, detail, headers = {} }: ProblemOptions) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  get body(): ProblemBody {
    const { status, code, message: detail } = this;
    // `about:blank`: the title is that of the status (RFC 9457 section 4.2.1); the code tells more.
    return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code };
  }
}

/** A problem as a complete HTTP answer, for a connection without a request. */
export function rawAnswer(problem: Problem): string {
  const body = `${JSON.stringify(problem.body)}\n`;
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `content-type: ${PROBLEM}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** A temporary error: the request may succeed later. */
export function busy(code: string, detail: string): Problem {
  return new Problem(503, { code, detail, headers: { 'retry-after': '1' } });
}
