/** Reads bodies of requests: short JSON, checked by a schema. */
import { Problem } from './problem.js';
import { BAD_INPUT, JSON_TYPE } from './protocol.js';
import type { z } from 'zod';
import type { Request } from './services.js';

const MAX_BODY_BYTES = 16_384;

/** @throws Problem: 415 for another type than JSON, 413 for too long bodies, 400 if the schema refuses it */
export async function readBody<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const { message, headers, response } = request;
  // A page in a browser cannot send this type to another site without a preflight request (Fetch, CORS-safelisted request-header).
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== JSON_TYPE) {
    throw new Problem(415, { code: 'media-type', detail: `content-type: expected ${JSON_TYPE}` });
  }
  if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  if (headers.expect !== undefined) response.writeContinue();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw bad('body: it ended early');
  }
  return check(parse(Buffer.concat(chunks).toString('utf8')), schema);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad('body: expected JSON');
  }
}

function check<T>(value: unknown, schema: z.ZodType<T>): T {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const [issue] = error.issues;
  const place = issue?.path.map(String).join('.') ?? '';
  throw bad(`${place === '' ? 'body' : place}: ${issue?.message ?? 'expected another value'}`);
}

function tooLarge(): Problem {
  return new Problem(413, { code: 'too-large', detail: `expected a body of at most ${MAX_BODY_BYTES} bytes` });
}

function bad(detail: string): Problem {
  return new Problem(400, { code: BAD_INPUT, detail });
}
