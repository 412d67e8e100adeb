/** The examples of src/netlink/README.md. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ReadmeExamples } from '../readme.js';
import { TestNetns } from './harness.js';

const readme = new ReadmeExamples('netlink');

describe('README', () => {
  beforeAll(() => {
    readme.compile();
  }, 300_000);

  test('has an example for every topic', () => {
    expect(readme.examples.map(({ title }) => title)).toEqual([
      'Links, addresses, routes',
      'Errors',
      'Notifications',
      'Many requests',
      'Addresses',
    ]);
  });

  test.each(readme.examples)('$title', (example) => {
    const netns = new TestNetns();
    netns.veth();
    expect(example.prints.length).toBeGreaterThan(0);
    expect(readme.run(netns.name, example)).toEqual(example.prints);
  });
});
