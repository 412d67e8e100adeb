/** DNS messages as a forwarder reads them. */
import { describe, expect, it } from 'vitest';
import {
  failure,
  faultOf,
  isAnswerTo,
  limitSize,
  messagesIn,
  probeQuery,
  questionOf,
  Rcode,
  truncated,
  withLength,
} from '../../../src/dns/message.js';

const NAME = '03777777076578616d706c6500';
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const query = (flags = '0100', counts = '0001 0000 0000 0000', rest = `${NAME} 0001 0001`): Buffer =>
  hex(`1234 ${flags} ${counts} ${rest}`);
const withOpt = (size: string, more = ''): Buffer =>
  query('0100', `0001 0000 0000 000${more === '' ? 1 : 2}`, `${NAME} 0001 0001 00 0029 ${size} 00000000 0000 ${more}`);

describe('a query', () => {
  it.each([
    ['is passed', query(), undefined],
    ['of another class is passed', probeQuery(), undefined],
    ['that is too short is not answered', hex('1234 0100'), 'silent'],
    ['that is an answer is not answered', query('8180'), 'silent'],
    ['of another opcode is refused', query('2800'), Rcode.notImplemented],
    ['without a question is refused', query('0100', '0000 0000 0000 0000', ''), Rcode.formatError],
    ['with two questions is refused', query('0100', '0002 0000 0000 0000'), Rcode.formatError],
    ['with a name beyond the end is refused', query('0100', undefined, '30'), Rcode.formatError],
    ['without type and class is refused', query('0100', undefined, `${NAME} 0001`), Rcode.formatError],
    ['with a pointer as its name is refused', query('0100', undefined, 'c00c 0001 0001'), Rcode.formatError],
    [
      'with a name of 256 bytes is refused',
      query('0100', undefined, `${'0161'.repeat(128)} 00 0001 0001`),
      Rcode.formatError,
    ],
    ['of 1232 bytes is passed', Buffer.concat([query(), Buffer.alloc(1232 - query().length)]), undefined],
    ['of 1233 bytes is refused', Buffer.concat([query(), Buffer.alloc(1233 - query().length)]), Rcode.formatError],
  ])('%s', (_what, message, fault) => {
    expect(faultOf(message)).toBe(fault);
  });

  it('fails with its id, question and RD, without its records', () => {
    expect(failure(withOpt('1000'), Rcode.serverFailure)).toEqual(query('8182'));
    expect(failure(query('0100', '0002 0000 0000 0000', ''), Rcode.formatError)).toEqual(
      query('8181', '0000 0000 0000 0000', ''),
    );
  });

  it.each([
    ['is lowered', withOpt('1000'), withOpt('0598')],
    ['that is smaller stays', withOpt('0200'), withOpt('0200')],
    [
      'of a signed query stays',
      withOpt('1000', '00 00fa 00ff 00000000 0000'),
      withOpt('1000', '00 00fa 00ff 00000000 0000'),
    ],
    ['stays absent', query(), query()],
  ])('the UDP size %s', (_what, message, limited) => {
    const changed = Buffer.from(message);
    limitSize(changed, 1432);
    expect(changed).toEqual(limited);
  });
});

describe('an answer', () => {
  const question = questionOf(query());

  it('has the question, in upper or lower case', () => {
    expect(isAnswerTo(query('8180'), question)).toBe(true);
    expect(isAnswerTo(query('8180', undefined, `${NAME.replace('777777', '575757')} 0001 0001`), question)).toBe(true);
    expect(isAnswerTo(query('8180', undefined, `${NAME.replace('777777', '777778')} 0001 0001`), question)).toBe(false);
    expect(isAnswerTo(query('8180', undefined, `${NAME} 001c 0001`), question)).toBe(false);
    expect(isAnswerTo(query('0100'), question)).toBe(false);
    expect(isAnswerTo(hex('1234 8181 0000 0000 0000 0000'), question)).toBe(true);
    expect(isAnswerTo(hex('1234'), question)).toBe(false);
  });

  it('that is too large has its flags and TC, and no records', () => {
    const answer = query('85a0', '0001 0001 0000 0000', `${NAME} 0001 0001 c00c 0001 0001 00000001 0004 c0000250`);
    expect(truncated(answer)).toEqual(query('87a0'));
  });
});

it('a stream is cut into messages, and the rest is kept', () => {
  const stream = Buffer.concat([withLength(query()), withLength(probeQuery())]);
  expect(messagesIn(stream.subarray(0, -1))).toEqual({
    messages: [query()],
    rest: withLength(probeQuery()).subarray(0, -1),
  });
  expect(messagesIn(stream)).toEqual({ messages: [query(), probeQuery()], rest: Buffer.alloc(0) });
  expect(messagesIn(Buffer.from([0]))).toEqual({ messages: [], rest: Buffer.from([0]) });
});
