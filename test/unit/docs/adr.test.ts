/** docs/adr: one decision per file, all of them in the index. */
import { expect, it } from 'vitest';
import { page, pages } from './markdown.js';

const decisions = pages().filter(({ path }) => /^docs\/adr\/\d{4}-/.test(path));
const index = page('docs/adr/README.md').text;

it('each decision has its number, a date and a status', () => {
  expect(decisions.length).toBeGreaterThan(100);
  const status =
    /^# (\d+)\. .+\n\nDate: \d{4}-\d{2}-\d{2}\. Status: (accepted|superseded by \[\d+\]\(\d{4}-[a-z0-9-]+\.md\))\.\n\n\S/;
  for (const { path, text } of decisions) {
    expect(text, path).toMatch(status);
    expect(Number(status.exec(text)?.[1]), path).toBe(Number(path.slice('docs/adr/'.length).slice(0, 4)));
  }
  expect(new Set(decisions.map(({ path }) => path.slice(0, 'docs/adr/0000'.length))).size).toBe(decisions.length);
});

it('the index lists each decision by number, date and title, in order', () => {
  const rows = [...index.matchAll(/^\| \[(\d+)\]\(([^)]+)\) \| (\S+) \| (.+) \|$/gm)].map(
    ([, number, file, date, title]) => `${file} ${number} ${date} ${title}`,
  );
  const wanted = decisions.map(({ path, text }) => {
    const [, number = '', title = ''] = /^# (\d+)\. (.+)$/m.exec(text) ?? [];
    const [, date = ''] = /^Date: (\S+)\. /m.exec(text) ?? [];
    return `${path.slice('docs/adr/'.length)} ${number} ${date} ${title}`;
  });
  expect(rows).toEqual(wanted);
});
