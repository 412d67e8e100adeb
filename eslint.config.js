import js from '@eslint/js';
import tseslint from 'typescript-eslint';

// Raw FFI lives in the two libraries and in src/kernel/libc.ts; everybody else calls them.
const rawFfi = { name: 'koffi', message: 'raw FFI belongs to src/libbpf, src/netlink and src/kernel/libc.ts' };
// The libraries are packages: their users see what they export, and nothing else.
const byName = ['netlink', 'libbpf'].map((library) => ({
  group: [`**/${library}/*.js`, `**/${library}/**/*.js`],
  message: `import ${library}-ts by its name`,
}));

export default tseslint.config(
  { ignores: ['**/dist/', 'node_modules/', '.cache/', 'build/'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] } },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-restricted-imports': ['error', { paths: [rawFfi] }],
    },
  },
  {
    files: ['src/**', 'lab/**'],
    rules: { 'no-restricted-imports': ['error', { paths: [rawFfi], patterns: byName }] },
  },
  {
    files: ['src/netlink/**', 'src/libbpf/**', 'src/kernel/libc.ts', 'bench/micro/**'],
    rules: { 'no-restricted-imports': 'off' },
  },
  // Interfaces that features add to, each in its own folder.
  {
    files: ['src/intent/**', 'src/plan/**', 'src/kernel/**', 'src/reconcile/**'],
    rules: { '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'always' }] },
  },
  { files: ['bench/**', 'test/**', 'src/*/examples/**'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
);
