/** Responses of the API on the wire: notes are trailers where the transfer coding has them. */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AnswerOutput, LongAnswers, sendAnswer } from '../../../src/api/answer.js';
import { decodeHeader, HEADER } from '../../../src/api/protocol.js';
import { Turns } from '../../../src/api/turns.js';
import type { AddressInfo } from 'node:net';
import type { ServerResponse } from 'node:http';

const NOTE = 'beside the answer: Überraschung';
const LINE = `${'x'.repeat(1023)}\n`;
const LINES = 3000;

async function long(response: ServerResponse): Promise<void> {
  const turns = new Turns();
  await turns.take();
  const output = new AnswerOutput(response, {}, turns, new LongAnswers());
  output.note(NOTE);
  for (let line = 0; line < LINES; line++) await output.write(LINE);
  expect(output.end()).toBe(undefined);
  output.close();
}

const short = (response: ServerResponse): void => {
  sendAnswer(response, { status: 200, headers: {}, body: LINE, notes: [NOTE] });
};

/** What a server that answers so sends for a request line, whole. */
async function answerTo(line: string, answer: (response: ServerResponse) => void | Promise<void>): Promise<string> {
  const failures: unknown[] = [];
  const server = createServer((_request, response) => {
    Promise.resolve(response)
      .then(answer)
      .catch((error: unknown) => {
        failures.push(error);
        response.destroy();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  socket.write(`${line}\r\nhost: node\r\nte: trailers\r\nconnection: close\r\n\r\n`);
  await new Promise((resolve) => socket.on('close', resolve));
  await new Promise((resolve) => server.close(resolve));
  expect(failures).toEqual([]);
  return text;
}

function notesOf(text: string): unknown {
  return decodeHeader(new RegExp(`^${HEADER.notes}: (.*)\\r$`, 'm').exec(text)?.[1]);
}

describe.each([
  ['short', short, 1],
  ['long', long, LINES],
] as const)('a response with notes, %s', (_name, answer, lines) => {
  const bytesOf = (text: string): number => text.split(LINE.trimEnd()).length - 1;

  it('has a trailer in chunked coding', async () => {
    const text = await answerTo('GET / HTTP/1.1', answer);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).toMatch(/^transfer-encoding: chunked\r$/im);
    expect(notesOf(text.slice(text.indexOf('\r\n\r\n')))).toEqual([NOTE]);
    expect(bytesOf(text)).toBe(lines);
  });

  it('is complete in HTTP/1.0, which has no chunks', async () => {
    const text = await answerTo('GET / HTTP/1.0', answer);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toMatch(/^(transfer-encoding|trailer):/im);
    expect(bytesOf(text)).toBe(lines);
  });

  it('has no body for HEAD', async () => {
    const text = await answerTo('HEAD / HTTP/1.1', answer);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text.endsWith('\r\n\r\n')).toBe(true);
    expect(bytesOf(text)).toBe(0);
  });
});

it('a short response has its notes in a header where trailers are impossible', async () => {
  expect(notesOf(await answerTo('GET / HTTP/1.0', short))).toEqual([NOTE]);
  expect(notesOf(await answerTo('HEAD / HTTP/1.1', short))).toEqual([NOTE]);
});
