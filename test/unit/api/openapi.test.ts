import { expect, it } from 'vitest';
import { openApi } from '../../../src/api/openapi.js';
import { ROUTES } from '../../../src/api/routes.js';

it('the description has exactly the served paths', () => {
  const { paths } = openApi() as { paths: Record<string, object> };
  const described = Object.entries(paths).map(([path, methods]) => [path, Object.keys(methods)]);
  const served = [...ROUTES].map(([path, { method }]) => [path, [method.toLowerCase()]]);
  expect(Object.fromEntries(described)).toEqual(Object.fromEntries(served));
});

it('the description equals docs/openapi.json (vitest -u writes it)', async () => {
  await expect(`${JSON.stringify(openApi(), undefined, 2)}\n`).toMatchFileSnapshot('../../../docs/openapi.json');
});
