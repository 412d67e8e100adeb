/** The examples of src/libbpf/README.md. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ReadmeExamples } from '../readme.js';
import { namespace } from './harness.js';

const readme = new ReadmeExamples('libbpf');

describe('README', () => {
  beforeAll(() => {
    readme.compile();
  }, 300_000);

  test('has an example for every topic', () => {
    expect(readme.examples.map(({ title }) => title)).toEqual([
      'Objects, constants, test runs',
      'Errors',
      'Maps',
      'Global variables',
      'Types from the object: generated, or at run time',
      'Generated codecs alone',
      'Ring buffers',
      'Attachments',
      'Probes',
    ]);
  });

  test.each(readme.examples)('$title', (example) => {
    expect(example.prints.length).toBeGreaterThan(0);
    expect(readme.run(namespace(), example)).toEqual(example.prints);
  });
});
