import { expect, it } from 'vitest';
import { openApi } from '../../../src/api/openapi.js';
import { ROUTES } from '../../../src/api/routes.js';

it('describes every path, and no other', () => {
  const { paths } = openApi() as { paths: object };
  expect(Object.keys(paths).sort()).toEqual([...ROUTES.keys()].sort());
});

it('is docs/openapi.json (vitest -u writes it)', async () => {
  await expect(`${JSON.stringify(openApi(), undefined, 2)}\n`).toMatchFileSnapshot('../../../docs/openapi.json');
});
